//! The directory `containers/` as a whole: damage, lookup, names, drafts.

use std::{
    error::Error,
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    thread,
};

use base::{ContainerId, Time};
use containers::{Containers, HostConfig, LookupError, NameError, Record, config_v2::Endpoint};

/// A data root with nothing but `containers/`.
struct Root {
    dir: tempfile::TempDir,
    containers: Containers,
}

fn root() -> Root {
    let dir = tempfile::tempdir().expect("a directory for the test");
    fs::create_dir(dir.path().join("containers")).expect("a directory for the test");
    let containers = Containers::open(dir.path(), "overlay2");
    Root { dir, containers }
}

/// An id that begins with `start`.
fn id(start: &str) -> ContainerId {
    format!("{start:0<64}").parse().expect("it is an id")
}

fn record(id: &ContainerId, name: &str) -> Record {
    let created = Time::from_unix_nanos(1_800_000_000_000_000_000);
    let mut record = Record::new(id, name, "overlay2", created);
    record.path = "/bin/true".to_owned();
    record.config.image = "base:1".to_owned();
    record.image = format!("sha256:{:0<64}", "1f");
    record.network_settings.networks = Some([("none".to_owned(), Endpoint::default())].into());
    record
}

impl Root {
    fn create(&self, id: &ContainerId, name: &str) {
        let draft = self.containers.draft(id).expect("a draft");
        let names = self.containers.lock_names().expect("the names");
        let name = names.claim(name).expect("a free name").to_owned();
        draft.publish(&names, &record(id, &name), &HostConfig::new()).expect("a container");
    }

    fn file(&self, id: &ContainerId, name: &str) -> PathBuf {
        self.containers.dir_of(id).join(name)
    }

    /// What `damage` does to a healthy container's file, told with all causes; the other
    /// container must still be there.
    fn told_after(&self, file: &str, damage: impl FnOnce(PathBuf)) -> String {
        let (sick, healthy) = (id("5ec"), id("9ea"));
        self.create(&sick, "sick");
        self.create(&healthy, "healthy");
        damage(self.file(&sick, file));
        let listing = self.containers.load_all().expect("the directory can be read");
        assert_eq!(listing.containers.iter().map(|container| &container.id).collect::<Vec<_>>(), [&healthy]);
        let [finding] = &listing.findings[..] else { panic!("{:?}", listing.findings) };
        let mut told = vec![finding.to_string()];
        let mut cause = finding.source();
        while let Some(error) = cause {
            told.push(error.to_string());
            cause = error.source();
        }
        told.join(" | ").replace(&*self.dir.path().to_string_lossy(), "").replace(sick.as_str(), "ID")
    }
}

fn write(bytes: &str) -> impl FnOnce(PathBuf) {
    let bytes = bytes.to_owned();
    move |path| {
        let mut file = fs::File::create(path).expect("the file can be written");
        std::io::Write::write_all(&mut file, bytes.as_bytes()).expect("the file can be written");
    }
}

fn remove(path: PathBuf) {
    fs::remove_file(path).expect("the file was there");
}

#[test]
fn a_missing_record_is_named() {
    let told = root().told_after("config.v2.json", remove);
    assert_eq!(told, "container ID cannot be loaded | /containers/ID/config.v2.json is missing");
}

#[test]
fn a_truncated_record_is_named_with_the_place() {
    let told = root().told_after("config.v2.json", write(r#"{"StreamConfig":{},"State":{"Running":fal"#));
    let cause = "State: Running: EOF while parsing a value at line 1 column 41";
    assert_eq!(told, format!("container ID cannot be loaded | /containers/ID/config.v2.json is damaged | {cause}"));
}

#[test]
fn a_record_that_would_crash_dockerd_is_damaged() {
    for record in [r#"{"Name":"/x","Driver":"overlay2"}"#, r#"{"Config":null,"Driver":"overlay2"}"#] {
        let told = root().told_after("config.v2.json", write(record));
        assert!(told.ends_with("/containers/ID/config.v2.json is damaged | it has no Config"), "{told}");
    }
}

#[test]
fn the_record_of_another_container_is_damage() {
    let told = root().told_after("config.v2.json", write(r#"{"Config":{},"Driver":"overlay2","ID":"other"}"#));
    assert!(told.ends_with("is damaged | container other is stored in it"), "{told}");
}

#[test]
fn a_damaged_host_config_is_named() {
    let told = root().told_after("hostconfig.json", write(r#"{"Binds":7}"#));
    let cause = "Binds: invalid type: integer `7`, expected a sequence at line 1 column 10";
    assert_eq!(told, format!("container ID cannot be loaded | /containers/ID/hostconfig.json is damaged | {cause}"));
    let told = root().told_after("hostconfig.json", write("null"));
    assert!(told.ends_with("/containers/ID/hostconfig.json is damaged | it is null"), "{told}");
}

#[test]
fn a_missing_host_config_is_none_of_the_users_business() {
    let root = root();
    root.create(&id("5ec"), "sick");
    remove(root.file(&id("5ec"), "hostconfig.json"));
    let container = root.containers.load(&id("5ec")).expect("dockerd loads it too");
    assert_eq!(container.host_config, HostConfig::missing());
}

#[test]
fn a_container_of_another_driver_is_not_seen() {
    let root = root();
    let told = root.told_after("config.v2.json", write(r#"{"Config":{},"Driver":"vfs","Name":"/sick"}"#));
    assert_eq!(told, "container ID cannot be loaded | container ID was created with the storage driver vfs");
    let unseen = root.containers.lookup("sick").expect_err("it cannot be seen");
    assert_eq!(unseen.to_string(), "No such container: sick");
    root.containers.check_name("sick").expect("and its name is free");
}

#[test]
fn a_plain_file_among_the_containers_is_a_finding() {
    let root = root();
    write("")(root.containers.dir().join("notes.txt"));
    let listing = root.containers.load_all().expect("the directory can be read");
    assert_eq!(listing.findings.len(), 1);
    assert_eq!(listing.findings[0].to_string(), "container notes.txt cannot be loaded");
}

#[test]
fn of_two_containers_of_one_name_the_older_has_it() {
    let root = root();
    root.create(&id("a"), "web");
    root.create(&id("b"), "other");
    let mut younger = record(&id("b"), "web");
    younger.created = Time::from_unix_nanos(1_900_000_000_000_000_000);
    root.containers.save_record(&id("b"), &younger).expect("it is saved");
    let listing = root.containers.load_all().expect("the directory can be read");
    assert_eq!(listing.containers.len(), 2);
    let told = format!("container {} has the name \"web\" of container {}", id("b"), id("a"));
    assert_eq!(listing.findings.iter().map(ToString::to_string).collect::<Vec<_>>(), [told]);
    assert_eq!(root.containers.lookup("web").expect("it has an owner"), id("a"));
}

#[test]
fn an_id_comes_before_a_name_and_a_name_before_the_beginning_of_an_id() {
    let root = root();
    root.create(&id("abc1"), id("abc2").as_str());
    root.create(&id("abc2"), "abc1");
    root.create(&id("def"), "web");
    let found = |text: &str| root.containers.lookup(text).map_err(|error| error.to_string());
    assert_eq!(found(id("abc2").as_str()), Ok(id("abc2")));
    assert_eq!(found("abc1"), Ok(id("abc2")));
    assert_eq!(found("abc10"), Ok(id("abc1")));
    assert_eq!(found("/web"), Ok(id("def")));
    assert_eq!(found("de"), Ok(id("def")));
    assert_eq!(found("abc"), Err("Multiple IDs found with provided prefix: abc".to_owned()));
    assert_eq!(found("ghost"), Err("No such container: ghost".to_owned()));
    assert_eq!(found("../x"), Err("No such container: ../x".to_owned()));
    assert_eq!(found(""), Err("invalid name or ID supplied: \"\"".to_owned()));
}

#[test]
fn what_is_no_container_hides_none_of_its_name() {
    let root = root();
    let healthy = id("9ea");
    root.create(&healthy, "web");
    let junk = root.containers.dir().join("web");
    fs::File::create(&junk).expect("a plain file");
    assert_eq!(root.containers.lookup("web").expect("the container of that name"), healthy);
    fs::remove_file(&junk).and_then(|()| fs::create_dir(&junk)).expect("an empty directory");
    assert_eq!(root.containers.lookup("web").expect("the container of that name"), healthy);
    fs::create_dir(root.containers.dir().join("9e")).expect("an empty directory");
    assert_eq!(root.containers.lookup("9e").expect("the beginning of its id"), healthy);
    let alone = root.containers.dir().join("alone");
    fs::create_dir(alone).expect("an empty directory");
    assert!(matches!(root.containers.lookup("alone"), Err(LookupError::Unloadable { .. })));
}

#[test]
fn lookup_says_why_a_container_cannot_be_seen() {
    let root = root();
    root.create(&id("5ec"), "sick");
    remove(root.file(&id("5ec"), "config.v2.json"));
    let unseen = root.containers.lookup("5ec").expect_err("it cannot be seen");
    assert_eq!(unseen.to_string(), "No such container: 5ec");
    assert!(matches!(unseen, LookupError::Unloadable { .. }), "{unseen:?}");
}

#[test]
fn a_name_that_is_not_plain_is_found_too() {
    let root = root();
    let (spelled, odd) = (id("1"), id("2"));
    for id in [&spelled, &odd] {
        root.create(id, id.short());
    }
    let text = String::from_utf8(record(&spelled, "web").to_bytes()).expect("JSON is text");
    write(&text.replace("\"/web\"", "\"/\\u0077eb\""))(root.file(&spelled, "config.v2.json"));
    root.containers.save_record(&odd, &record(&odd, "a<b")).expect("it is saved");
    assert_eq!(root.containers.lookup("web").expect("it is there"), spelled);
    assert_eq!(root.containers.lookup("a<b").expect("it is there"), odd);
}

#[test]
fn a_name_is_refused_in_dockers_words() {
    let root = root();
    root.create(&id("a"), "web");
    let refused = |name: &str| root.containers.check_name(name).expect_err("it is refused").to_string();
    assert_eq!(refused("w b"), "Invalid container name (w b), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed");
    let taken = format!(
        "Conflict. The container name \"/web\" is already in use by container \"{}\". You have to remove (or rename) that \
         container to be able to reuse that name.",
        id("a")
    );
    assert_eq!(refused("web"), taken);
    assert_eq!(refused("/web"), taken);
}

#[test]
fn of_many_that_want_one_name_one_gets_it() {
    let root = root();
    let attempt = |number: usize| {
        let id = id(&format!("{number:x}c"));
        let draft = root.containers.draft(&id).expect("a draft");
        let names = root.containers.lock_names().expect("the names");
        names.claim("web").map(|name| {
            draft.publish(&names, &record(&id, name), &HostConfig::new()).expect("a container");
        })
    };
    let won: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..12).map(|number| scope.spawn(move || attempt(number))).collect();
        threads.into_iter().map(|thread| thread.join().expect("no thread panics")).collect()
    });
    assert_eq!(won.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    assert!(won.iter().filter_map(|outcome| outcome.as_ref().err()).all(|bad| matches!(bad, NameError::Taken { .. })));
    assert_eq!(fs::read_dir(root.containers.dir()).expect("the directory can be read").count(), 1, "no draft is left");
}

#[test]
fn a_made_up_name_is_free() {
    let root = root();
    root.create(&id("a"), &containers::names::generate(0, |_| 0));
    let names = root.containers.lock_names().expect("the names");
    let name = names.make_up(&id("b"), |_| 0).expect("a name");
    assert_eq!(name, containers::names::generate(1, |_| 0));
}

#[test]
fn a_container_has_dockerds_files_and_modes() {
    let root = root();
    root.create(&id("a"), "web");
    let mode = |path: PathBuf| fs::metadata(path).expect("it is there").permissions().mode() & 0o7777;
    assert_eq!(mode(root.containers.dir_of(&id("a"))), 0o710);
    assert_eq!(mode(root.file(&id("a"), "checkpoints")), 0o700);
    assert_eq!(mode(root.file(&id("a"), "config.v2.json")), 0o600);
    assert_eq!(mode(root.file(&id("a"), "hostconfig.json")), 0o644);
    let files = fs::read_dir(root.containers.dir_of(&id("a"))).expect("the directory can be read").count();
    assert_eq!(files, 3);
}

#[test]
fn what_died_in_the_making_is_swept_and_what_lives_is_not() {
    let root = root();
    let living = root.containers.draft(&id("1")).expect("a draft");
    let dead = root.containers.dir().join(".tmp-dead");
    fs::create_dir(&dead).expect("a directory for the test");
    fs::set_permissions(&dead, Permissions::from_mode(0o710)).expect("it is ours");
    assert_eq!(root.containers.ids().expect("the directory can be read"), []);
    root.create(&id("2"), "web");
    assert!(!dead.exists());
    assert!(living.path().exists());
    let path = living.path().to_owned();
    drop(living);
    assert!(!path.exists());
}

#[test]
fn a_container_that_could_not_be_published_is_not_there() {
    let root = root();
    let id = id("9ea");
    let publish = |step: usize| {
        let draft = root.containers.draft(&id).expect("a draft");
        let names = root.containers.lock_names().expect("the names");
        sys::steps::failing_at(step, || draft.publish(&names, &record(&id, "web"), &HostConfig::new()))
    };
    for step in 0..100 {
        if publish(step).is_ok() {
            assert!(step > 5, "no step was seen");
            return;
        }
        assert_eq!(fs::read_dir(root.containers.dir()).expect("list").count(), 0, "after a failure of step {step}");
    }
    panic!("publishing has no end");
}

#[test]
fn a_new_record_that_dockerd_could_not_use_is_not_written() {
    let root = root();
    let draft = root.containers.draft(&id("1")).expect("a draft");
    let names = root.containers.lock_names().expect("the names");
    let mut unfit = record(&id("1"), "web");
    unfit.config.image.clear();
    let refused = draft.publish(&names, &unfit, &HostConfig::new()).expect_err("it is unfit");
    assert_eq!(refused.to_string(), "the record of a container must have a Config.Image");
    assert_eq!(root.containers.ids().expect("the directory can be read"), []);
}

#[test]
fn a_saved_container_is_read_back_and_a_removed_one_is_gone() {
    let root = root();
    let web = id("a");
    root.create(&web, "web");
    let lock = root.containers.lock(&web).expect("it is there");
    let mut container = root.containers.load(&web).expect("it is there");
    container.record.state.set_running(7, Time::now());
    container.host_config.memory = 64 << 20;
    root.containers.save(&web, &container.record, &container.host_config).expect("it is saved");
    assert_eq!(root.containers.load(&web).expect("it is there"), container);
    root.containers.remove(&web).expect("it is removed");
    drop(lock);
    assert_eq!(fs::read_dir(root.containers.dir()).expect("the directory can be read").count(), 0);
    let gone = root.containers.lock(&web).expect_err("it is gone");
    assert_eq!(gone.to_string(), format!("No such container: {web}"));
}

#[test]
fn without_a_directory_there_are_no_containers() {
    let containers = Containers::open("/nonexistent".as_ref(), "overlay2");
    assert!(containers.load_all().expect("nothing is no error").containers.is_empty());
    assert_eq!(containers.lookup("x").expect_err("nothing is there").to_string(), "No such container: x");
}
