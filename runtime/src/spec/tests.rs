//! Against what a real dockerd 20.10.24 gave runc (`tests/fixtures/oci-20.10.24-*.json`).

use containers::{
    Config,
    config_v2::NetworkSettings,
    hostconfig::{DeviceMapping, Ulimit},
};

use super::*;

const DEFAULT: &str = include_str!("../../tests/fixtures/oci-20.10.24-default.json");
const HOST_NETWORK: &str = include_str!("../../tests/fixtures/oci-20.10.24-hostnet.json");
const PRIVILEGED: &str = include_str!("../../tests/fixtures/oci-20.10.24-priv.json");
const MISC: &str = include_str!("../../tests/fixtures/oci-20.10.24-misc.json");

/// What dockerd wrote, without the hook.
fn golden(text: &str) -> Value {
    let mut spec: Value = serde_json::from_str(text).expect("a fixture is JSON");
    spec.as_object_mut().expect("a spec is an object").shift_remove("hooks");
    spec
}

/// A container with that id and the rootfs of the golden spec.
struct Case {
    record: Record,
    host: HostConfig,
    rootfs: PathBuf,
    user: User,
    shm: Option<PathBuf>,
    devices: Vec<Device>,
}

impl Case {
    fn of(golden: &Value) -> Self {
        let cgroup = golden["linux"]["cgroupsPath"].as_str().expect("a path");
        let id = cgroup.rsplit('/').next().expect("an id at its end").to_owned();
        let hostname = golden["hostname"].as_str().expect("a name").to_owned();
        let config = Config { hostname, ..Config::default() };
        let rootfs = golden["root"]["path"].as_str().expect("a path").into();
        Self {
            record: Record { id, path: "true".to_owned(), config, ..Record::default() },
            host: HostConfig { network_mode: "default".to_owned(), ..HostConfig::new() },
            rootfs,
            user: User { groups: vec![0], home: "/root".to_owned(), ..User::default() },
            shm: None,
            devices: vec![],
        }
    }

    fn spec(&self) -> Value {
        let dir = Path::new("root/containers").join(&self.record.id);
        let binds = ["resolv.conf", "hostname", "hosts"]
            .map(|name| network_file(dir.join(name), &format!("/etc/{name}"), !self.host.readonly_rootfs));
        let plan = Plan {
            record: &self.record,
            host: &self.host,
            rootfs: &self.rootfs,
            user: &self.user,
            binds: &binds,
            shm: self.shm.as_deref(),
            devices: &self.devices,
            throttles: &Throttles::default(),
            joined: &[],
            init: None,
            network_sysctls: &NETWORK_SYSCTLS,
            apparmor: None,
            kernel: (6, 18),
        };
        build(&plan).expect("nothing is wrong with it")
    }
}

/// Equal to the letter: key order too.
fn assert_same(ours: &Value, dockerds: &Value) {
    let text = |spec: &Value| serde_json::to_string_pretty(spec).expect("JSON");
    let (ours, dockerds) = (text(ours), text(dockerds));
    let differ = ours.lines().zip(dockerds.lines()).enumerate().find(|(_, (ours, dockerds))| ours != dockerds);
    assert_eq!(differ, None, "the first line that differs: ours, dockerd's");
    assert_eq!(ours.lines().count(), dockerds.lines().count(), "one is longer");
}

#[test]
fn a_container_without_flags_is_dockerds_to_the_letter() {
    let golden = golden(DEFAULT);
    assert_same(&Case::of(&golden).spec(), &golden);
}

#[test]
fn a_container_on_the_hosts_network_is_dockerds_to_the_letter() {
    let golden = golden(HOST_NETWORK);
    let mut case = Case::of(&golden);
    "host".clone_into(&mut case.host.network_mode);
    case.record.network_settings =
        NetworkSettings { sandbox_key: "exec/netns/default".to_owned(), ..NetworkSettings::default() };
    assert_same(&case.spec(), &golden);
}

#[test]
fn a_container_with_many_flags_is_dockerds_to_the_letter() {
    let golden = golden(MISC);
    let mut case = Case::of(&golden);
    let words = |words: &[&str]| Some(words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>());
    case.record.config.env = words(&["Q=1"]);
    "/w".clone_into(&mut case.record.config.working_dir);
    "dd".clone_into(&mut case.record.config.domainname);
    case.record.no_new_privileges = true;
    case.user = User { uid: 1000, gid: 1000, groups: vec![1000, 5], home: "/".to_owned() };
    case.shm = Some(Path::new("root/containers").join(&case.record.id).join("mounts/shm"));
    let device = DeviceMapping {
        path_on_host: "/dev/null".to_owned(),
        path_in_container: "/dev/xnull".to_owned(),
        cgroup_permissions: "rwm".to_owned(),
        ..DeviceMapping::default()
    };
    case.devices = vec![Device {
        path: device.path_in_container.clone().into(),
        kind: 'c',
        major: 1,
        minor: 3,
        mode: 0o666,
        uid: 0,
        gid: 0,
        access: device.cgroup_permissions.clone(),
    }];
    case.host = HostConfig {
        cap_add: words(&["SYS_ADMIN"]),
        cap_drop: words(&["MKNOD"]),
        ulimits: Some(vec![Ulimit { name: "nofile".to_owned(), hard: 200, soft: 100, ..Ulimit::default() }]),
        oom_score_adj: 5,
        readonly_rootfs: true,
        tmpfs: Some([("/tt".to_owned(), String::new())].into()),
        ipc_mode: "shareable".to_owned(),
        sysctls: Some([("net.ipv4.ip_forward".to_owned(), "1".to_owned())].into()),
        devices: Some(vec![device]),
        memory: 64 << 20,
        memory_swap: 128 << 20,
        nano_cpus: 500_000_000,
        pids_limit: Some(50),
        cgroup_parent: "/cp".to_owned(),
        pid_mode: "host".to_owned(),
        cgroupns_mode: "private".to_owned(),
        ..case.host
    };
    assert_same(&case.spec(), &golden);
}

#[test]
fn a_privileged_container_is_dockerds_to_the_letter() {
    let golden = golden(PRIVILEGED);
    let mut case = Case::of(&golden);
    case.host.privileged = true;
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let number = |value: &Value| value.as_i64().expect("a number");
    let devices = golden["linux"]["devices"].as_array().expect("a list");
    case.devices = devices
        .iter()
        .map(|device| Device {
            path: text(&device["path"]).into(),
            kind: text(&device["type"]).chars().next().expect("a letter"),
            major: number(&device["major"]),
            minor: number(&device["minor"]),
            mode: u32::try_from(number(&device["fileMode"])).expect("a mode"),
            uid: u32::try_from(number(&device["uid"])).expect("an id"),
            gid: u32::try_from(number(&device["gid"])).expect("an id"),
            access: "rwm".to_owned(),
        })
        .collect();
    assert_same(&case.spec(), &golden);
}

#[test]
fn what_the_shim_gets_differs_only_as_listed() {
    let golden = golden(DEFAULT);
    let case = Case::of(&golden);
    let mut spec = case.spec();
    for_libcontainer(&mut spec, &case.host, &case.record.id, &case.user);

    let mut expected = golden;
    expected["linux"]["cgroupsPath"] = format!("/minidock/{}", case.record.id).into();
    let resources = expected["linux"]["resources"].as_object_mut().expect("an object");
    for part in ["memory", "cpu", "blockIO"] {
        resources.shift_remove(part);
    }
    expected["process"]["env"].as_array_mut().expect("a list").push("HOME=/root".into());
    assert_same(&spec, &expected);
}

#[test]
fn the_hosts_network_is_no_namespace_for_libcontainer() {
    let mut case = Case::of(&golden(HOST_NETWORK));
    "host".clone_into(&mut case.host.network_mode);
    let mut spec = case.spec();
    for_libcontainer(&mut spec, &case.host, &case.record.id, &case.user);
    let kinds: Vec<_> = spec["linux"]["namespaces"].as_array().expect("a list").iter().map(|ns| &ns["type"]).collect();
    assert_eq!(kinds, ["mount", "uts", "pid", "ipc"]);
}

#[test]
fn home_is_what_the_user_says_if_he_says_anything() {
    let mut process = json!({"env": ["A=1", "HOME=", "HOME=/mine"]});
    home(&mut process, &User { home: "/root".to_owned(), ..User::default() });
    assert_eq!(process["env"], json!(["A=1", "HOME=", "HOME=/mine"]));
    let mut process = json!({"env": ["HOME="]});
    home(&mut process, &User { home: "/home/bob".to_owned(), ..User::default() });
    assert_eq!(process["env"], json!(["HOME=/home/bob"]));
}

#[test]
fn masked_paths_are_the_default_if_null_and_none_if_empty() {
    let golden = golden(DEFAULT);
    let mut case = Case::of(&golden);
    case.host.masked_paths = None;
    assert_eq!(case.spec()["linux"]["maskedPaths"], golden["linux"]["maskedPaths"]);
    case.host.masked_paths = Some(vec![]);
    assert_eq!(case.spec()["linux"].get("maskedPaths"), None);
}
