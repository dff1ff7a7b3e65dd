//! `volume create ls inspect rm prune`: the same words, and records that either engine goes on with.

use integration::{Driver, House, Oracle, Said, Side, same_on_both};

fn some(house: &House) -> Vec<Said> {
    let device = house.room().join("bound");
    std::fs::create_dir_all(&device).expect("a fresh room");
    let device = format!("device={}", device.display());
    let all: [&[&str]; 6] = [
        &["volume", "create", "plain"],
        &["volume", "create", "--label", "a=b", "--label", "empty", "labelled"],
        &["volume", "create", "-o", "type=none", "-o", "o=bind", "-o", &device, "bound"],
        &[
            "volume",
            "create",
            "-d",
            "local",
            "--opt",
            "type=tmpfs",
            "--opt",
            "device=tmpfs",
            "--opt",
            "o=size=1m",
            "memory",
        ],
        &["volume", "create", "--name", "v10"],
        &["volume", "create", "v9"],
    ];
    all.map(|args| house.run(args)).to_vec()
}

const NAMES: [&str; 6] = ["plain", "labelled", "bound", "memory", "v10", "v9"];

fn inspected(house: &House) -> Said {
    house.run(&[["volume", "inspect"].as_slice(), &NAMES].concat())
}

#[test]
fn made_listed_and_inspected() {
    same_on_both(|house| {
        let made = some(house);
        let unnamed = house.run(&["volume", "create"]).out.trim().len();
        let shown = [
            house.run(&["volume", "ls", "-f", "label"]),
            house.run(&[
                "volume",
                "ls",
                "--filter",
                "name=^v",
                "--format",
                "{{.Name}} {{.Driver}} {{.Scope}} {{.Labels}}",
            ]),
            house.run(&["volume", "ls", "-q", "-f", "label=a=b"]),
            house.run(&["volume", "ls", "-q", "-f", "label=a=c"]),
            house.run(&["volume", "ls", "-f", "name=bound", "--format", "{{.Mountpoint}} {{.Links}} {{.Size}}"]),
            house.run(&["volume", "list", "-f", "driver=other"]),
            house.run(&["volume", "ls", "-f", "name=v", "-f", "name=plain"]),
            house.run(&["volume", "inspect", "-f", "{{.Name}} {{.Options}} {{json .Labels}}", "memory", "labelled"]),
        ];
        (
            made,
            unnamed,
            shown.to_vec(),
            inspected(house),
            NAMES.map(|name| house.tree(&format!("volumes/{name}"))).to_vec(),
        )
    });
}

#[test]
fn made_twice_it_is_the_first() {
    same_on_both(|house| {
        let said = [
            house.run(&["volume", "create", "--label", "a=b", "one"]),
            house.run(&["volume", "create", "--label", "c=d", "-o", "bogus=1", "one"]),
            house.run(&["volume", "inspect", "one"]),
        ];
        said.to_vec()
    });
}

#[test]
fn what_is_wrong_is_said_in_dockers_words() {
    same_on_both(|house| {
        let said = [
            house.run(&["volume", "create", "a/b"]),
            house.run(&["volume", "create", "x"]),
            house.run(&["volume", "create", "-o", "bogus=1", "bad"]),
            house.run(&["volume", "create", "-o", "type=tmpfs", "bad"]),
            house.run(&["volume", "create", "-d", "nodriver", "bad"]),
            house.run(&["volume", "create", "--name", "one", "two"]),
            house.run(&["volume", "inspect", "ghost"]),
            house.run(&["volume", "rm", "ghost"]),
            house.run(&["volume", "rm", "-f", "ghost"]),
            house.run(&["volume", "ls", "-f", "bogus=1"]),
            house.run(&["volume", "ls", "-f", "dangling=maybe"]),
            house.run(&["volume", "prune", "-f", "--filter", "dangling=true"]),
            house.run(&["volume", "ls", "-q"]),
        ];
        said.to_vec()
    });
}

#[test]
fn one_that_is_used_stays_and_the_others_go() {
    same_on_both(|house| {
        some(house);
        let id = house.ok(&[
            "create",
            "--network",
            "none",
            "--name",
            "user",
            "-v",
            "plain:/x",
            "-v",
            "/anon",
            "busybox:golden",
        ]);
        let in_use = house.run(&["volume", "rm", "plain", "v9"]);
        assert!(in_use.err.contains(id.trim()), "{}", in_use.err);
        let said = [
            house.run(&["volume", "ls", "-qf", "dangling=true"]),
            house.run(&["volume", "ls", "-qf", "dangling=false", "-f", "name=plain"]),
            house.run_fed(&["volume", "prune"], b"n\n"),
            house.run(&["volume", "prune", "-f", "--filter", "label!=a=b"]),
            house.run_fed(&["volume", "prune"], b"y\n"),
            house.run(&["volume", "ls", "-f", "name=bound", "-f", "name=memory", "-f", "name=plain"]),
            house.run(&["rm", "-v", "user"]),
            house.run(&["volume", "rm", "plain", "bound", "memory"]),
            house.run(&["volume", "ls"]),
        ];
        (in_use.out, in_use.code, said.to_vec())
    });
}

/// A bind by options shows the directory that it names; what the image has there is copied.
#[test]
fn options_of_a_bind_are_used() {
    same_on_both(|house| {
        some(house);
        let said = [
            house.run(&[
                "run",
                "--rm",
                "--network",
                "none",
                "-v",
                "bound:/data",
                "busybox:golden",
                "sh",
                "-c",
                "ls /data; echo new > /data/f",
            ]),
            house.run(&[
                "run",
                "--rm",
                "--network",
                "none",
                "-v",
                "bound:/x:ro",
                "busybox:golden",
                "sh",
                "-c",
                "cat /x/f; echo y > /x/f",
            ]),
        ];
        (said.to_vec(), house.tree_at(&house.room().join("bound")), house.run(&["volume", "ls", "-q"]))
    });
}

#[test]
fn labels_and_options_of_a_mount_make_the_volume() {
    same_on_both(|house| {
        let device = format!("volume-opt=device={}", house.room().display());
        let mount =
            format!("type=volume,src=made,dst=/m,volume-label=k=v,volume-opt=type=none,volume-opt=o=bind,{device}");
        let said = [
            house.run(&["create", "--network", "none", "--name", "c1", "--mount", &mount, "busybox:golden"]),
            house.run(&[
                "create",
                "--network",
                "none",
                "--name",
                "c2",
                "--volume-driver",
                "local",
                "-v",
                "other:/o",
                "busybox:golden",
            ]),
        ];
        let points = ["c1", "c2"].map(|name| house.run(&["inspect", "-f", "{{json .Mounts}}", name]));
        let codes = said.map(|said| (said.sentences(), said.code));
        (codes.to_vec(), points.to_vec(), house.run(&["volume", "inspect", "made", "other"]))
    });
}

/// A container's mounts, in the order of their places.
fn mounts(house: &House, container: &str) -> Said {
    let fields = ["Destination", "Type", "Source", "Mode", "RW", "Propagation"];
    let line: String = fields.iter().map(|field| format!("{{{{.{field}}}}} ")).collect();
    house.run(&["inspect", "-f", &format!("{{{{range .Mounts}}}}{line}{{{{println}}}}{{{{end}}}}"), container]).sorted()
}

/// What another container mounts: the modes that are taken and refused, the words, the records.
#[test]
fn volumes_from_another_container() {
    same_on_both(|house| {
        let create = |name: &str, flags: &[&str]| {
            let begin = ["create", "--network", "none", "--name", name];
            let said = house.run(&[&begin, flags, &["busybox:golden", "true"]].concat());
            (said.sentences(), said.code)
        };
        let bind = format!("{}:/bound:ro,rslave", house.room().display());
        let donor = create("donor", &["-v", "/anon", "-v", "named:/n:nocopy", "-v", &bind]);
        let modes = ["ro", "rw", "z", "ro,Z", "nocopy", "rslave", "bad", "ro,rw"];
        let said: Vec<_> = modes
            .iter()
            .enumerate()
            .map(|(number, mode)| create(&format!("c{number}"), &["--volumes-from", &format!("donor:{mode}")]))
            .collect();
        assert_eq!(donor.1, 0, "{donor:?}");
        assert_eq!(said[0].1, 0, "{said:?}");
        let points: Vec<_> = (0..4).map(|number| mounts(house, &format!("c{number}"))).collect();
        let over = create("over", &["--volumes-from", "donor", "-v", "named:/anon", "--tmpfs", "/n"]);
        let ghost = create("ghost", &["--volumes-from", "nobody"]);
        (said, points, over, ghost, mounts(house, "over"))
    });
}

/// Eight at a time: no row is lost.
#[test]
fn many_at_once_lose_nothing() {
    let mut house = House::open(&Side::under_test(), Driver::Overlay2);
    std::thread::scope(|scope| {
        for worker in 0..8 {
            let house = &house;
            scope.spawn(move || {
                for number in 0..6 {
                    let name = format!("v{worker}.{number}");
                    house.ok(&["volume", "create", "--label", "all=yes", &name]);
                    if number % 3 == 2 {
                        house.ok(&["volume", "rm", &name]);
                    }
                }
            });
        }
    });
    let ours = house.ok(&["volume", "ls", "-qf", "label=all=yes"]);
    assert_eq!(ours.lines().count(), 32);
    house.hand_to(&Side::first());
    assert_eq!(house.ok(&["volume", "ls", "-qf", "label=all=yes"]), ours);
}

/// Labels, options and files survive, whoever wrote them; and each can remove the other's.
fn survives(first: &Side, second: &Side) {
    let mut house = House::open(first, Driver::Overlay2);
    house.load_golden();
    some(&house);
    house.ok(&[
        "run",
        "--network",
        "none",
        "--name",
        "user",
        "-v",
        "plain:/data",
        "-v",
        "/anon",
        "busybox:golden",
        "touch",
        "/data/f",
        "/anon/f",
    ]);
    // CreatedAt is the time of another directory from 25 on.
    let records = |house: &House| {
        let out = inspected(house).out;
        out.lines().filter(|line| !line.contains("CreatedAt")).map(str::to_owned).collect::<Vec<_>>()
    };
    let told = |house: &House| (records(house), house.run(&["volume", "ls"]).out, house.tree("volumes/plain"));
    let before = told(&house);
    house.hand_to(second);
    assert_eq!(told(&house), before);
    house.ok(&["volume", "rm", "labelled"]);
    house.ok(&["volume", "create", "--label", "from=second", "later"]);
    for number in 0..40 {
        house.ok(&["volume", "create", "--label", "number=many", &format!("many{number}")]);
    }
    let between = house.run(&["volume", "ls"]).out;
    house.hand_to(first);
    assert_eq!(house.run(&["volume", "ls"]).out, between);
    assert_eq!(house.ok(&["volume", "inspect", "-f", "{{json .Labels}}", "later"]).trim(), r#"{"from":"second"}"#);
    assert_eq!(house.ok(&["volume", "ls", "-qf", "label=number=many"]).lines().count(), 40);
    assert_eq!(house.ok(&["volume", "inspect", "-f", "{{json .Options.o}}", "memory"]).trim(), r#""size=1m""#);
    house.ok(&["rm", "-v", "user"]);
    house.ok(&["volume", "rm", "plain", "later", "many3"]);
}

#[test]
fn volumes_survive_from_dockerd_to_minidock_and_back() {
    survives(&Side::first(), &Side::under_test());
}

#[test]
fn volumes_survive_from_minidock_to_dockerd_and_back() {
    survives(&Side::under_test(), &Side::first());
}

#[test]
fn volumes_survive_to_the_second_dockerd_and_back() {
    match Oracle::second() {
        Ok(second) if second.is("28.5.2") => survives(&Side::under_test(), &Side::Theirs(second)),
        Ok(_) => {}
        Err(why) => assert!(std::env::var_os("MINIDOCK_NEEDS_28").is_none(), "{why}"),
    }
}
