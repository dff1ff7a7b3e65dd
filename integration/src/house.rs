//! One engine with one data root.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use serde_json::Value;

use crate::engine::{BRIDGED, Driver, Engine, Side, write_file};
use crate::going::{Going, PATIENCE};
use crate::images;
use crate::room::Room;
use crate::said::Said;
use crate::tree;

/// An engine at work, and the files it works on. Stopped and cleared when dropped.
#[derive(Debug)]
pub struct House {
    engine: Engine,
    side: Side,
    driver: Driver,
    options: Vec<String>,
    root: PathBuf,
    room: Room,
}

impl House {
    /// Opens a house in a fresh room.
    #[track_caller]
    pub fn open(side: &Side, driver: Driver) -> Self {
        let room = Room::new();
        let root = room.path().join("root");
        Self::on(side, driver, room, root)
    }

    /// Opens a house in a room that has been prepared, its data root at `root`.
    #[track_caller]
    pub fn on(side: &Side, driver: Driver, room: Room, root: PathBuf) -> Self {
        Self::try_on(side, driver, room, root).unwrap_or_else(|cause| panic!("{cause}"))
    }

    /// Opens a house with bridge networks: the calling thread, and all that it starts from here on, lives in a
    /// network of its own, where nothing is but a loopback device.
    #[track_caller]
    pub fn bridged(side: &Side, driver: Driver) -> Self {
        nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWNET).expect("root may have a network of its own");
        let raised = Command::new(crate::Oracle::first().busybox()).args(["ip", "link", "set", "lo", "up"]).status();
        assert!(raised.is_ok_and(|status| status.success()), "the loopback device is up");
        // dockerd publishes on IPv6, too, where there is some.
        let switch = Path::new("/proc/sys/net/ipv6/conf/all/disable_ipv6");
        if switch.exists() {
            write_file(switch, b"1");
        }
        let room = Room::new();
        let root = room.path().join("root");
        let options: Vec<String> = BRIDGED.iter().map(ToString::to_string).collect();
        let engine = Engine::start(side, room.path(), &root, driver, &options);
        let engine = engine.unwrap_or_else(|cause| panic!("{cause}"));
        Self { engine, side: side.clone(), driver, options, root, room }
    }

    /// As [`House::on`], for data roots on which a dockerd may refuse to start.
    pub fn try_on(side: &Side, driver: Driver, room: Room, root: PathBuf) -> Result<Self, String> {
        let engine = Engine::start(side, room.path(), &root, driver, &[])?;
        Ok(Self { engine, side: side.clone(), driver, options: Vec::new(), root, room })
    }

    /// Who works here.
    pub fn side(&self) -> &Side {
        &self.side
    }

    /// Whether minidock works here.
    pub fn is_ours(&self) -> bool {
        matches!(self.side, Side::Ours)
    }

    /// The driver that was asked for.
    pub fn driver(&self) -> Driver {
        self.driver
    }

    /// The data root.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The room: a place for a story's own files, cleared with the house.
    pub fn room(&self) -> &Path {
        self.room.path()
    }

    /// A path in the data root; `DRIVER` in it stands for the driver's name.
    pub fn path(&self, inside: &str) -> PathBuf {
        self.root.join(inside.replace("DRIVER", self.driver.name()))
    }

    /// A command of the engine's client, for those who need more than [`House::run`].
    pub fn client(&self) -> Command {
        self.engine.client()
    }

    /// Runs a command to its end, its standard input empty.
    #[track_caller]
    pub fn run(&self, args: &[&str]) -> Said {
        Going::start(self.client(), args, Stdio::null()).end()
    }

    /// Runs a command that must work and returns its output without the last newline.
    #[track_caller]
    pub fn ok(&self, args: &[&str]) -> String {
        self.run(args).ok().to_owned()
    }

    /// Runs a command with a file as its standard input.
    #[track_caller]
    pub fn run_from(&self, args: &[&str], file: &Path) -> Said {
        let file = fs::File::open(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        Going::start(self.client(), args, file.into()).end()
    }

    /// Runs a command with these bytes on its standard input.
    #[track_caller]
    pub fn run_fed(&self, args: &[&str], bytes: &[u8]) -> Said {
        self.run_from(args, &self.write("fed", bytes))
    }

    /// Waits for a container's end, and until its record on disk says so: `wait` answers a moment before, with
    /// dockerd too (moby 20.10, monitor.go handleContainerExit: the waiters first, the checkpoint then).
    #[track_caller]
    pub fn ended(&self, container: &str) {
        self.ok(&["wait", container]);
        let id = self.ok(&["inspect", "-f", "{{.Id}}", container]);
        let record = format!("containers/{id}/config.v2.json");
        let deadline = Instant::now() + PATIENCE;
        while self.json(&record)["State"]["Running"] != false {
            assert!(Instant::now() < deadline, "{container} has ended, and its record does not say so");
            std::thread::yield_now();
        }
    }

    /// Waits until `inspect -f format` of a container says `words`.
    ///
    /// # Panics
    /// When it does not come to that.
    pub fn becomes(&self, container: &str, format: &str, words: &str) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let now = self.run(&["inspect", "-f", format, container]);
            if now.out.trim() == words {
                return;
            }
            assert!(Instant::now() < deadline, "{container} is never {words} but {now:?}");
            std::thread::yield_now();
        }
    }

    /// Starts a command and leaves it going, its standard input open.
    pub fn spawn(&self, args: &[&str]) -> Going {
        Going::start(self.client(), args, Stdio::piped())
    }

    /// Loads the image of [`images::golden`], `busybox:golden`.
    #[track_caller]
    pub fn load_golden(&self) {
        self.run_fed(&["load"], images::golden()).ok();
    }

    /// Writes a file of the story's own into the room and returns its path.
    pub fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.room().join(name);
        write_file(&path, bytes);
        path
    }

    /// What lies at a path of the data root, as text to compare; `DRIVER` stands for the driver's name.
    pub fn tree(&self, inside: &str) -> String {
        self.neutral(&tree::tell(&self.path(inside)))
    }

    /// What lies at any path.
    pub fn tree_at(&self, path: &Path) -> String {
        self.neutral(&tree::tell(path))
    }

    /// A JSON file of the data root.
    #[track_caller]
    pub fn json(&self, inside: &str) -> Value {
        let path = self.path(inside);
        let bytes = fs::read(&path).unwrap_or_else(|error| panic!("read {}: {error}", path.display()));
        serde_json::from_slice(&bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// `inspect` of one thing, as JSON.
    #[track_caller]
    pub fn inspect(&self, thing: &str) -> Value {
        let text = self.ok(&["inspect", thing]);
        let array: Value = serde_json::from_str(&text).expect("inspect prints JSON");
        array.get(0).cloned().expect("inspect prints an array")
    }

    /// The text with this room's paths and this engine's name taken out.
    pub fn neutral(&self, text: &str) -> String {
        let room = self.room().display().to_string();
        let root = self.root.display().to_string();
        text.replace(&root, "<root>")
            .replace(&format!("{room}/x"), "<exec>")
            .replace(&format!("{room}/m"), "<exec>")
            .replace(&room, "<room>")
    }

    /// Options that a dockerd here gets from its next start on.
    pub fn daemon_options(&mut self, options: &[&str]) {
        self.options = options.iter().map(ToString::to_string).collect();
    }

    /// Stops the engine and starts it again on the same files, as an upgrade or a reboot does.
    #[track_caller]
    pub fn restart_engine(&mut self) {
        let side = self.side.clone();
        self.hand_to(&side);
    }

    /// Stops the engine in good order; no other takes over yet.
    pub fn stop_engine(&mut self) {
        self.engine.stop();
    }

    /// Ends the engine with SIGKILL. Of minidock nothing is running to be killed: see [`House::shims`].
    pub fn kill_engine(&mut self) {
        self.engine.kill();
    }

    /// Stops the engine and lets `side` go on with the same data root.
    #[track_caller]
    pub fn hand_to(&mut self, side: &Side) {
        self.try_hand_to(side).unwrap_or_else(|cause| panic!("{cause}"));
    }

    /// As [`House::hand_to`]; the reason if the next engine refuses.
    pub fn try_hand_to(&mut self, side: &Side) -> Result<(), String> {
        self.engine.stop();
        self.engine = Engine::start(side, self.room.path(), &self.root, self.driver, &self.options)?;
        self.side = side.clone();
        Ok(())
    }

    /// minidock's answer on this data root while the house's own engine works on it.
    #[track_caller]
    pub fn minidock_beside(&self, args: &[&str]) -> Said {
        let beside = Engine::start(&Side::Ours, self.room.path(), &self.root, self.driver, &[]);
        Going::start(beside.expect("minidock needs no start").client(), args, Stdio::null()).end()
    }

    /// Process ids of minidock's shims in this house, told by their command line, which holds the data root.
    pub fn shims(&self) -> Vec<u32> {
        let root = self.root.display().to_string();
        processes(|argv| argv.iter().any(|arg| arg == "shim") && argv.iter().any(|arg| arg.contains(&root)))
    }

    /// As a power cut leaves it: nothing runs, nothing is mounted, what was in memory is gone, and the containers'
    /// records say that they run. The engine is to be started again, or another one.
    pub fn lose_power(&mut self) {
        self.engine.kill();
        let names = fs::read_dir(self.path("containers")).into_iter().flatten().flatten();
        let records = names.filter_map(|entry| fs::read(entry.path().join("config.v2.json")).ok());
        let pids = records.filter_map(|bytes| serde_json::from_slice::<Value>(&bytes).ok()?["State"]["Pid"].as_u64());
        let pids: Vec<_> = pids.filter_map(|pid| u32::try_from(pid).ok().filter(|pid| *pid > 1)).collect();
        // containerd and the shims of either engine first: whoever sees an end would write it down.
        let room = self.room().display().to_string();
        loop {
            let keepers = processes(|argv| {
                let program =
                    argv.first().is_some_and(|name| name.contains("containerd") || name.ends_with("minidock"));
                program && argv.iter().any(|arg| arg.contains(&room))
            });
            if keepers.is_empty() {
                break;
            }
            keepers.into_iter().for_each(crate::signals::kill);
            std::thread::yield_now();
        }
        pids.iter().copied().for_each(crate::signals::kill_held);
        let stat = |pid: &u32| fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        while pids.iter().any(|pid| stat(pid).rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X'])))
        {
            std::thread::yield_now();
        }
        let text = fs::read_to_string("/proc/self/mountinfo").expect("proc is mounted");
        let points = text.lines().filter_map(|line| line.split(' ').nth(4)).filter(|point| point.starts_with(&room));
        for point in points.collect::<Vec<_>>().into_iter().rev() {
            rustix::mount::unmount(point, rustix::mount::UnmountFlags::DETACH).ok();
        }
        fs::remove_dir_all(self.room().join("x")).ok();
        self.containers().iter().for_each(|id| forget_groups(id));
    }

    /// The ids of all containers on disk.
    pub fn containers(&self) -> Vec<String> {
        let names = fs::read_dir(self.path("containers")).into_iter().flatten().flatten();
        names.filter_map(|entry| entry.file_name().into_string().ok()).collect()
    }

    /// Writes a file in place of what is there: for damage, and for states that no command makes.
    pub fn overwrite(&self, path: &Path, bytes: &[u8]) {
        write_file(path, bytes);
    }

    /// Kills every shim of minidock's on this data root: what a crash of them all leaves.
    pub fn kill_shims(&self) {
        self.shims().into_iter().for_each(|shim| crate::signals::send(shim, "KILL"));
    }

    /// Mounts below the room, as `mount point` lines; for leaks.
    pub fn mounts(&self) -> Vec<String> {
        let room = format!("{}/", self.room().display());
        let text = fs::read_to_string("/proc/self/mountinfo").expect("proc is mounted");
        let points = text.lines().filter_map(|line| line.split(' ').nth(4));
        points.filter(|point| point.starts_with(&room)).map(|point| self.neutral(point)).collect()
    }
}

/// Removes the control groups of a container that nobody keeps any more, wherever an engine put them. Their processes
/// may be dying still.
pub fn forget_groups(id: &str) {
    let mounts = fs::read_to_string("/proc/self/mountinfo").expect("proc is mounted");
    let points = mounts.lines().filter(|line| line.contains(" - cgroup")).filter_map(|line| line.split(' ').nth(4));
    for group in points.flat_map(|point| ["docker", "minidock"].map(|parent| Path::new(point).join(parent).join(id))) {
        let deadline = Instant::now() + PATIENCE;
        while group.exists() && fs::remove_dir(&group).is_err() && Instant::now() < deadline {
            std::thread::yield_now();
        }
    }
}

/// The processes whose arguments are such; zombies have none.
fn processes(such: impl Fn(&[String]) -> bool) -> Vec<u32> {
    let pids = fs::read_dir("/proc").into_iter().flatten().flatten();
    pids.filter_map(|entry| {
        let pid = entry.file_name().to_str()?.parse().ok()?;
        let argv = fs::read(entry.path().join("cmdline")).ok()?;
        let argv: Vec<_> = argv.split(|byte| *byte == 0).map(|arg| String::from_utf8_lossy(arg).into_owned()).collect();
        such(&argv).then_some(pid)
    })
    .collect()
}

impl Drop for House {
    /// Says what the daemon complained of, if the story failed. Ending the engine is the keeper's.
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        if let Ok(log) = fs::read_to_string(self.room().join("d.log")) {
            let worse: Vec<_> =
                log.lines().filter(|line| line.contains("level=error") || line.contains("panic")).collect();
            let tail = worse[worse.len().saturating_sub(5)..].join("\n");
            crate::oracle::note(&format!("{} logged:\n{tail}", self.side.name()));
        }
    }
}
