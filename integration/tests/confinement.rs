//! How well a container is locked in: the same answers from inside as with `docker run`, for init and for exec.

use integration::{House, Said, same_on_both};

/// The same script as a container's first process and as one that is exec'd.
fn both(house: &House, flags: &[&str], script: &str) -> Vec<Said> {
    let run = [&["run", "--rm", "--network", "none"], flags, &["busybox:golden", "sh", "-c", script]].concat();
    let init = house.run(&run);
    let up =
        [&["run", "-d", "--network", "none", "--name", "up"], flags, &["busybox:golden", "sleep", "1000"]].concat();
    house.ok(&up);
    let exec = house.run(&["exec", "up", "sh", "-c", script]);
    house.ok(&["rm", "-f", "up"]);
    vec![init, exec]
}

const STATUS: &str = "grep -E '^(Uid|Gid|Groups|Cap|NoNewPrivs|Seccomp:)' /proc/self/status; cat /proc/self/oom_score_adj; ulimit -c; ulimit -n; umask";

#[test]
fn capabilities_seccomp_and_privileges() {
    same_on_both(|house| {
        let flags: [&[&str]; 5] = [
            &[],
            &["-u", "guest"],
            &["--cap-drop", "ALL"],
            &["--cap-add", "SYS_ADMIN"],
            &["-u", "guest", "--cap-add", "NET_ADMIN"],
        ];
        flags.iter().map(|flags| both(house, flags, STATUS)).collect::<Vec<_>>()
    });
}

#[test]
fn masked_and_read_only_paths() {
    let script = "for path in /proc/asound /proc/acpi /proc/kcore /proc/keys /proc/latency_stats /proc/timer_list /proc/sched_debug \
        /proc/scsi /sys/firmware; do [ -e $path ] || { echo $path absent; continue; }; echo $path $(ls $path 2>&1 | wc -l) $(head -c 1 $path 2>&1 | wc -c); done; \
        for path in /proc/sys/kernel/domainname /proc/sysrq-trigger /proc/irq/default_smp_affinity /proc/bus/x /proc/fs/x \
        /sys/kernel/x /sys/fs/cgroup/x; do (echo x > $path) 2>&1; done; \
        grep -E ' (/proc|/sys|/dev)' /proc/mounts | awk '{print $2, $3, $4}' | sed 's/,size=[0-9]*k//; s/inode64//' | sort";
    same_on_both(|house| both(house, &[], script));
}

/// Root inside must not set its own limits (libcontainer forgets that the mount is read-only).
#[test]
fn cgroup_files_cannot_be_written() {
    let script = "for file in $(find /sys/fs/cgroup -maxdepth 2 \\( -name cgroup.procs -o -name tasks -o -name memory.limit_in_bytes \
        -o -name pids.max -o -name memory.max -o -name cpu.max -o -name release_agent \\) | sort); do echo $file; (echo 1 > $file) 2>&1; done; \
        for dir in /sys/fs/cgroup /sys/fs/cgroup/memory /sys/fs/cgroup/pids; do mkdir $dir/child 2>&1; done; mount -o remount,rw /sys/fs/cgroup 2>&1";
    same_on_both(|house| both(house, &["--memory", "64m"], script));
}

/// What the filter refuses, and what it lets through.
#[test]
fn calls_that_are_refused() {
    let script = "mount -t tmpfs x /tmp; umount /proc; busybox unshare -m true; busybox unshare -U true; busybox dmesg | head -n 1; \
        busybox hostname other; date -s 2001-01-01; busybox swapon /data/kept; mknod /tmp/sda b 8 0 && cat /tmp/sda; mknod /tmp/null c 1 3 && echo x > /tmp/null; \
        chroot / true && echo chroot; busybox ip link add dummy type dummy; busybox ping -c 1 -W 1 127.0.0.1 | head -n 1; \
        kill -0 1 && echo kill; chown 1:1 /data/kept && echo chown; busybox pivot_root / /tmp; busybox losetup -f; busybox insmod /x; busybox reboot -f; \
        echo $?";
    same_on_both(|house| {
        (
            both(house, &[], script),
            both(
                house,
                &["--cap-add", "SYS_ADMIN"],
                "mount -t tmpfs x /tmp && echo mounted; busybox unshare -m true && echo unshared",
            ),
        )
    });
}

/// Read-only root, and who may write what.
#[test]
fn a_read_only_root() {
    let script = "for dir in / /tmp /data /dev /dev/shm /etc /run; do (echo x > $dir/file) 2>&1 && echo $dir; done; echo x > /etc/hosts; echo x > /etc/resolv.conf";
    same_on_both(|house| (both(house, &["--read-only"], script), both(house, &["-u", "guest"], script)));
}
