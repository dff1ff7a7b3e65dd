//! `minidock demo`, as a newcomer types it. Docker has no such command.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use integration::{Driver, House, Side};

/// The demo, with its data root in the room.
fn demo(house: &House) -> Command {
    let mut command = house.client();
    command.arg("demo").env("TMPDIR", house.room());
    command
}

fn ended(command: &mut Command) -> (Option<i32>, String, String) {
    let said = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (said.status.code(), text(said.stdout), text(said.stderr))
}

fn data_roots(room: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(room).expect("the room is there").map(|entry| entry.expect("it can be read").path());
    entries.filter(|path| path.to_string_lossy().contains("/minidock-demo-")).collect()
}

fn mounted(below: &Path) -> bool {
    let mounts = fs::read_to_string("/proc/self/mountinfo").expect("/proc is there");
    mounts.lines().any(|line| line.contains(&format!("{}/minidock-demo-", below.display())))
}

fn house() -> Option<House> {
    matches!(Side::under_test(), Side::Ours).then(|| House::open(&Side::Ours, Driver::Overlay2))
}

#[test]
fn every_claim_is_proved_and_nothing_is_left() {
    let Some(house) = house() else { return };
    let (code, out, err) = ended(&mut demo(&house));
    assert_eq!((code, err.as_str()), (Some(0), ""), "{out}");
    let proved = out.matches("[proved]").count();
    assert!(proved >= 20 && !out.contains("[FAILED]"), "{out}");
    assert!(out.ends_with(&format!("\n{proved} of {proved} claims proved.\n")), "{out}");
    let wide: Vec<_> = out.lines().filter(|line| line.chars().count() > 80).collect();
    assert!(wide.is_empty(), "wider than a terminal: {wide:#?}");
    assert!(data_roots(house.room()).is_empty() && !mounted(house.room()));
}

/// What the demo claims is on the screen: real files, the mount line, the whiteout.
#[test]
fn the_real_things_are_on_the_screen() {
    let Some(house) = house() else { return };
    let (_, out, _) = ended(&mut demo(&house));
    for shown in [
        "lowerdir=$R/overlay2/l/",
        "upperdir=$R/overlay2/",
        "/mount-id ",
        "/init-id ",
        "/parent ",
        "config.v2.json",
        "character device 0, 0",
    ] {
        assert!(out.contains(shown), "no {shown}: {out}");
    }
}

#[test]
fn what_is_kept_is_a_data_root_like_any_other() {
    let Some(house) = house() else { return };
    let (code, out, _) = ended(demo(&house).arg("--keep"));
    assert_eq!(code, Some(0), "{out}");
    let roots = data_roots(house.room());
    let [root] = roots.as_slice() else { panic!("one data root is kept: {roots:?}") };
    let typed = |args: &[&str]| {
        let (code, out, err) =
            ended(Command::new(house.client().get_program()).arg("--data-root").arg(root).args(args));
        assert_eq!((code, err.as_str()), (Some(0), ""), "{args:?}");
        out
    };
    assert_eq!(typed(&["ps", "--all", "--format", "{{.Names}}"]), "second\n");
    assert_eq!(typed(&["images", "--format", "{{.Repository}}"]), "minidock-demo\n");
    typed(&["rm", "--force", "second"]);
    assert!(!mounted(house.room()));
}

#[test]
fn a_reader_that_hangs_up_leaves_nothing_either() {
    let Some(house) = house() else { return };
    let mut command = demo(&house);
    let mut going = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("minidock runs");
    drop(going.stdout.take());
    assert_ne!(going.wait().expect("it ends").code(), Some(0));
    assert!(data_roots(house.room()).is_empty() && !mounted(house.room()));
}

#[test]
fn without_root_it_says_in_one_line_what_to_type() {
    let Some(house) = house() else { return };
    let client = house.client();
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(client.get_program()).arg("demo");
    let (code, out, err) = ended(&mut command);
    assert_eq!((code, out.as_str(), err.lines().count()), (Some(1), "", 1), "{err}");
    assert!(err.contains("sudo minidock demo"), "{err}");
}
