//! The traps themselves: what libcontainer 0.7 does when it is used as its documents show it. `traps.rs` shows that
//! we do not fall into them; here each is seen without our part. When one of these fails, libcontainer has mended it,
//! and our part may go.
//!
//! Not here: T2 needs the C library's filter, which is not linked (T15 is what happens then); T14 has no cure, T18 is
//! no fault; T19 and T21 are about who waits, and libcontainer leaves that to its caller; T20, the program that is
//! overwritten from inside, needs a moment in which nobody runs it, which a test cannot choose.

mod support;

use std::{
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use serde_json::{Value, json};
use support::{House, Said, field};

/// A container of libcontainer's own, from the same configuration as our houses.
struct Plain {
    house: House,
    program: PathBuf,
}

impl Plain {
    fn new() -> Self {
        let mut house = House::new();
        for dir in ["state", "bundle"] {
            sys::create_dir(house.dir.path().join(dir), 0o700).expect("mkdir");
        }
        house.spec["linux"]["cgroupsPath"] = json!(format!("/plain-{}", house.id));
        let program = support::minishim().with_file_name("plainly");
        assert!(program.exists(), "{} is not built", program.display());
        Self { house, program }
    }

    fn spec(&mut self) -> &mut Value {
        &mut self.house.spec
    }

    fn at(&self, name: &str) -> PathBuf {
        self.house.dir.path().join(name)
    }

    fn id(&self) -> &str {
        self.house.id.as_str()
    }

    fn command(&self, word: &str, rest: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.arg(word).arg(self.at("state")).arg(self.id()).args(rest).stdin(Stdio::null());
        command
    }

    fn write_config(&self) {
        let path = self.at("bundle/config.json");
        sys::truncate_write(path, self.house.spec.to_string().as_bytes(), 0o600).expect("write");
    }

    fn run(&self) -> Said {
        self.run_with(|command| command)
    }

    fn run_with(&self, change: impl FnOnce(&mut Command) -> &mut Command) -> Said {
        self.write_config();
        let mut command = self.command("run", &[]);
        command.arg(self.at("bundle"));
        said(&change(&mut command).output().expect("it runs"))
    }

    /// Leaves it running, its output nowhere.
    fn start(&self) {
        self.write_config();
        let mut command = self.command("start", &[]);
        let status = command.arg(self.at("bundle")).stdout(Stdio::null()).stderr(Stdio::null()).status();
        assert!(status.expect("it runs").success());
    }

    fn exec(&self, words: &[&str]) -> Said {
        said(&self.command("exec", words).output().expect("it runs"))
    }

    fn state_json(&self) -> Value {
        let path = self.at("state").join(self.id()).join("state.json");
        serde_json::from_slice(&std::fs::read(path).expect("state.json")).expect("JSON")
    }
}

impl Drop for Plain {
    fn drop(&mut self) {
        let _ = self.command("delete", &[]).stderr(Stdio::null()).status();
        // What delete() gives up on (T1): the groups, leaf first.
        for top in std::fs::read_dir("/sys/fs/cgroup").into_iter().flatten().flatten() {
            clear(&top.path().join(format!("plain-{}", self.id())));
        }
    }
}

fn clear(group: &Path) {
    for child in std::fs::read_dir(group).into_iter().flatten().flatten() {
        if child.path().is_dir() {
            clear(&child.path());
        }
    }
    let _ = std::fs::remove_dir(group);
}

fn said(output: &Output) -> Said {
    let plain = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Said { out: plain(&output.stdout), err: plain(&output.stderr), code: output.status.code().unwrap_or(-1) }
}

#[test]
fn t1_a_container_raises_its_own_limit() {
    let mut plain = Plain::new();
    plain.spec()["linux"]["resources"]["memory"]["limit"] = json!(64 << 20);
    // With swap counted, the kernel wants that limit raised first.
    plain.house.script(
        "cd /sys/fs/cgroup/memory; [ ! -e memory.memsw.limit_in_bytes ] || echo 1000001536 > \
         memory.memsw.limit_in_bytes; echo 1000001536 > memory.limit_in_bytes; cat memory.limit_in_bytes",
    );
    assert_eq!(plain.run().out, "1000001536\n");
}

#[test]
fn t3_t15_neither_init_nor_exec_is_filtered_though_the_configuration_says_so() {
    let mut plain = Plain::new();
    assert!(plain.spec()["linux"]["seccomp"]["syscalls"].is_array());
    plain.house.args(&["cat", "/proc/self/status"]);
    assert_eq!(field(&plain.run().out, "Seccomp"), "0");
    let mut plain = Plain::new();
    plain.house.args(&["sleep", "1000"]);
    plain.start();
    assert_eq!(field(&plain.exec(&["cat", "/proc/self/status"]).out, "Seccomp"), "0");
}

#[test]
fn t4_an_exec_is_root_and_may_gain_nothing_whatever_the_container_is() {
    let mut plain = Plain::new();
    plain.spec()["process"]["user"] = json!({"uid": 1000, "gid": 1000});
    plain.house.args(&["sleep", "1000"]);
    plain.start();
    let status = plain.exec(&["cat", "/proc/self/status"]).out;
    assert_eq!([field(&status, "Uid"), field(&status, "NoNewPrivs")], ["0\t0\t0\t0", "1"]);
}

#[test]
fn t5_the_builders_defaults_are_not_dockers() {
    let process = oci_spec::runtime::ProcessBuilder::default().build().expect("a process");
    assert_eq!(process.no_new_privileges(), Some(true));
    assert!(process.rlimits().as_ref().is_some_and(|limits| !limits.is_empty()));
}

#[test]
fn t6_a_broken_pipe_is_an_error_message() {
    let mut plain = Plain::new();
    plain.house.script("yes | head -n 1");
    let said = plain.run();
    assert_eq!(said.out, "y\n");
    assert!(said.err.contains("Broken pipe"), "{said:?}");
}

#[test]
fn t7_what_only_its_owner_may_run_is_refused_and_so_is_a_life_without_path() {
    let mut plain = Plain::new();
    sys::chmod(plain.house.root().join("bin/busybox"), 0o750).expect("chmod");
    plain.house.args(&["echo", "hi"]);
    assert_ne!(plain.run().code, 0);
    let mut plain = Plain::new();
    plain.spec()["process"]["env"] = json!(["HOME=/"]);
    plain.house.args(&["/bin/echo", "hi"]);
    assert_ne!(plain.run().out, "hi\n");
}

#[test]
fn t8_a_program_that_cannot_be_executed_starts_and_ends_with_255() {
    let mut plain = Plain::new();
    sys::write_new(plain.house.root().join("bin/astray"), b"#!/no/such/thing\n", 0o755).expect("write");
    plain.house.args(&["/bin/astray"]);
    assert_eq!(plain.run().code, 255);
}

#[test]
fn t9_a_variable_of_the_callers_that_is_not_utf8_ends_init() {
    use std::os::unix::ffi::OsStringExt as _;
    let mut plain = Plain::new();
    plain.house.args(&["env"]);
    let bad = std::ffi::OsString::from_vec(b"\xff\xfe".to_vec());
    assert_ne!(plain.run_with(|command| command.env("BAD", &bad)).code, 0);
    assert_eq!(plain.run().code, 0, "without it");
}

#[test]
fn t10_a_user_that_no_file_knows_has_no_home() {
    let mut plain = Plain::new();
    plain.spec()["process"]["env"] = json!(["PATH=/bin"]);
    plain.spec()["process"]["user"] = json!({"uid": 4242, "gid": 4242});
    plain.house.args(&["env"]);
    let said = plain.run();
    assert!(said.out.contains("PATH=/bin\n") && !said.out.contains("HOME="), "{said:?}");
}

#[test]
fn t11_a_limit_too_high_is_an_io_error() {
    if caps::has_cap(None, caps::CapSet::Effective, caps::Capability::CAP_SYS_RESOURCE).expect("caps") {
        caps::drop(None, caps::CapSet::Effective, caps::Capability::CAP_SYS_RESOURCE).expect("dropped for this thread");
    }
    let mut plain = Plain::new();
    plain.spec()["process"]["rlimits"] = json!([{"type": "RLIMIT_NOFILE", "soft": u64::MAX, "hard": u64::MAX}]);
    let said = plain.run();
    assert_eq!(said.code, 99);
    assert!(!said.err.contains("RLIMIT_NOFILE") && !said.err.contains("rlimit type"), "{said:?}");
}

#[test]
fn t12_a_missing_working_directory_fails_the_start() {
    let mut plain = Plain::new();
    plain.spec()["process"]["cwd"] = json!("/made/by/nobody");
    plain.house.args(&["pwd"]);
    assert_eq!(plain.run().code, 99);
}

#[test]
fn t13_any_signal_is_taken_for_the_end() {
    let mut plain = Plain::new();
    plain.house.args(&["sleep", "1000"]);
    plain.start();
    assert!(plain.command("signal", &["18"]).status().expect("it runs").success());
    assert_eq!(plain.state_json()["status"], "stopped");
    assert_eq!(plain.exec(&["echo", "still here"]).out, "still here\n");
}

#[test]
fn t16_the_callers_own_score_is_changed() {
    let mut plain = Plain::new();
    plain.spec()["process"]["oomScoreAdj"] = json!(300);
    plain.house.args(&["true"]);
    assert_eq!(plain.run().code, 0);
    assert_eq!(std::fs::read_to_string(plain.at("state/oom_score_adj")).expect("told"), "300\n");
}

#[test]
fn t17_a_group_without_a_path_lies_at_the_hierarchys_root() {
    let mut plain = Plain::new();
    plain.spec()["linux"].as_object_mut().expect("an object").remove("cgroupsPath");
    plain.house.script("cat /proc/self/cgroup");
    plain.spec()["linux"]["namespaces"].as_array_mut().expect("a list").retain(|one| one["type"] != "cgroup");
    let id = plain.id().to_owned();
    assert!(plain.run().out.contains(&format!(":pids:/:youki:{id}\n")));
}
