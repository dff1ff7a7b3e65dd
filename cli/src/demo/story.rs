//! The demo's steps: each does one thing through the library, shows the files and proves a claim.
//!
//! Nothing is taken from the library's word for it: what is claimed is read from the disk and
//! from the kernel's list of mounts.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use images::Input;
use runtime::{Flags, StopRequest, Where};

use super::{
    DemoError,
    evidence::{is_whiteout, layer_dirs, layer_files, mount_of, parent, process_of, text, tree},
    image::{self, GREETING},
    programs::Programs,
    screen::Screen,
    stage::Stage,
};

const FIRST: &str = "demo";
const SECOND: &str = "second";
const ADDED: &str = "and from the container";

/// What the containers run: ends when told to, and by itself when the demo is gone.
const WAITS: &str = "trap 'exit 0' TERM; sleep 60 & wait";

/// Tells it all.
pub fn tell(stage: &mut Stage, screen: &mut Screen<'_>, programs: &Programs) -> Result<(), DemoError> {
    load(stage, screen, programs)?;
    let images_layers = layer_files(stage.root())?;
    create(stage, screen)?;
    start(stage, screen)?;
    copy_up(stage, screen)?;
    delete(stage, screen)?;
    restart(stage, screen)?;
    remove(stage, screen, &images_layers)?;
    clean_start(stage, screen)
}

fn load(stage: &Stage, screen: &mut Screen<'_>, programs: &Programs) -> Result<(), DemoError> {
    screen.step(
        "An image of two layers",
        "The first layer has the programs, the second two files in /srv. Each layer is \
        a directory of its own, with a short link to it in l/; \"lower\" says what it rests on.",
    )?;
    screen.typed("minidock load < image.tar")?;
    let archive = image::archive(programs)?;
    let home = stage.home();
    let writer = home.writer().map_err(|error| DemoError::of("the data root", error))?;
    let layers = home.layers_for(&writer).map_err(|error| DemoError::of("the data root", error))?;
    let input = Input::Stream(&mut archive.as_slice());
    let tmp = home.data_root().join("tmp");
    home.images().load(&layers, input, &tmp, &mut |_| {}).map_err(|error| DemoError::of("load", error))?;
    let overlay = stage.root().join("overlay2");
    let found = layer_dirs(&overlay)?;
    for layer in &found {
        show_layer(screen, layer)?;
    }
    screen.proof("there are two layers, and the second rests on the first", {
        let base = found.iter().find(|layer| !layer.join("lower").exists());
        let second = found.iter().find(|layer| layer.join("lower").exists());
        let says = |layer: Option<&PathBuf>, file: &str| layer.and_then(|layer| text(&layer.join(file)));
        found.len() == 2 && says(second, "lower") == says(base, "link").map(|link| format!("l/{link}"))
    })?;
    let leads = |layer: &PathBuf| {
        let link = overlay.join("l").join(text(&layer.join("link")).unwrap_or_default());
        link.canonicalize().ok() == layer.join("diff").canonicalize().ok()
    };
    Ok(screen.proof("each layer's link leads to its directory", found.iter().all(leads))?)
}

fn create(stage: &mut Stage, screen: &mut Screen<'_>) -> Result<(), DemoError> {
    screen.step(
        "create: two more layers and a few small files",
        "The -init layer holds mount points such as \
        /etc/hosts; the container's own layer above it is empty. Three files in layerdb tie them to the container.",
    )?;
    screen.typed("minidock create --name demo --network none minidock-demo sh -c '…'")?;
    make(stage, FIRST)?;
    let container = whereis(stage, FIRST)?;
    let own = parent(&container.upper);
    for layer in container.init.iter().map(|init| parent(init)).chain([own.clone()]) {
        show_layer(screen, &layer)?;
    }
    let mount = stage.root().join("image/overlay2/layerdb/mounts").join(&container.id);
    for name in ["mount-id", "init-id", "parent"] {
        screen.file(&mount.join(name), text(&mount.join(name)).unwrap_or_default())?;
    }
    for name in ["config.v2.json", "hostconfig.json"] {
        let path = container.config.join(name);
        screen.file(&path, format_args!("{} bytes of JSON", text(&path).map_or(0, |text| text.len())))?;
    }
    let says = |name: &str| text(&mount.join(name)).unwrap_or_default();
    let named = |dir: &Path| dir.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    screen.proof(
        "the three files name the container's layer, its -init layer and the image's top layer",
        says("mount-id") == named(&own)
            && says("init-id") == format!("{}-init", named(&own))
            && container.lower.first().is_some_and(|top| says("parent") == top.chain.to_string()),
    )?;
    let chain = text(&own.join("lower")).unwrap_or_default();
    let links = container.init.iter().chain(container.lower.iter().map(|layer| &layer.path));
    let links: Vec<_> =
        links.map(|diff| format!("l/{}", text(&parent(diff).join("link")).unwrap_or_default())).collect();
    screen.proof("\"lower\" lists -init and the image's layers, nearest first", chain == links.join(":"))?;
    Ok(screen.proof("the container's own layer is empty", sys::list_dir(&container.upper)?.is_empty())?)
}

fn start(stage: &Stage, screen: &mut Screen<'_>) -> Result<(), DemoError> {
    screen.step(
        "start: the layers become one file system",
        "One overlay mount shows all layers as one tree. Reads fall \
        through to the nearest layer that has the file; changes go to upperdir.",
    )?;
    screen.typed("minidock start demo")?;
    runtime::start(stage.home(), FIRST).map_err(|error| DemoError::of("start", error))?;
    let container = whereis(stage, FIRST)?;
    let mount = mount_of(&container)?;
    screen.line("   the kernel's own line, /proc/self/mountinfo:")?;
    screen.parts(&format!("overlay on {}", container.merged.display()), &[])?;
    let options = mount.as_ref().map(|mount| mount.options.clone()).unwrap_or_default();
    screen.parts(&options, &[',', ':'])?;
    let upper = format!("upperdir={}", container.upper.display());
    screen.proof("it is mounted, and takes changes into the container's layer", options.contains(&upper))?;
    let lowers = options.split(',').find_map(|option| option.strip_prefix("lowerdir=")).unwrap_or_default();
    let resolved: Vec<_> = lowers.split(':').filter_map(|link| Path::new(link).canonicalize().ok()).collect();
    let expected = container.init.iter().chain(container.lower.iter().map(|layer| &layer.path));
    let expected: Vec<_> = expected.filter_map(|path| path.canonicalize().ok()).collect();
    screen.proof("below are -init and the image's two layers", resolved.len() == 3 && resolved == expected)?;
    screen.typed("minidock exec demo cat /srv/greeting")?;
    let (_, said) = stage.sh(FIRST, "cat /srv/greeting")?;
    screen.line(format_args!("   {}", said.trim_end()))?;
    Ok(screen.proof("the container reads what lies in the image's second layer", said == GREETING)?)
}

fn copy_up(stage: &Stage, screen: &mut Screen<'_>) -> Result<(), DemoError> {
    screen.step(
        "A write copies the file up",
        "The image's layers are shared and never change: the kernel copies the \
        file into the container's layer first, and the write goes to the copy.",
    )?;
    let line = format!("echo '{ADDED}' >> /srv/greeting");
    screen.typed(&format!("minidock exec demo sh -c \"{line}\""))?;
    let container = whereis(stage, FIRST)?;
    let (copy, original) = (container.upper.join("srv/greeting"), container.lower_file("srv/greeting"));
    let before = copy.exists();
    stage.sh(FIRST, &line)?;
    screen.file(&original, format_args!("{:?}", text(&original).unwrap_or_default()))?;
    screen.file(&copy, format_args!("{:?}", text(&copy).unwrap_or_default()))?;
    let whole = format!("{GREETING}{ADDED}\n");
    screen.proof("the copy is new, and has the old line and the new one", !before && text(&copy) == Some(whole))?;
    Ok(screen.proof("the image's file is as it was", text(&original).as_deref() == Some(GREETING))?)
}

fn delete(stage: &Stage, screen: &mut Screen<'_>) -> Result<(), DemoError> {
    screen.step(
        "A deletion leaves a whiteout",
        "The image's file cannot be deleted, so the container's layer says that \
        it is gone: a character device 0, 0 of the same name.",
    )?;
    screen.typed("minidock exec demo rm /srv/old-news")?;
    stage.sh(FIRST, "rm /srv/old-news")?;
    let container = whereis(stage, FIRST)?;
    let (whiteout, original) = (container.upper.join("srv/old-news"), container.lower_file("srv/old-news"));
    screen.file(&original, "still there")?;
    screen.file(&whiteout, if is_whiteout(&whiteout)? { "character device 0, 0" } else { "no whiteout" })?;
    let (_, left) = stage.sh(FIRST, "ls /srv")?;
    screen.proof("the whiteout is there, and so is the image's file", is_whiteout(&whiteout)? && original.exists())?;
    Ok(screen.proof("the container does not see the file any more", left == "greeting\n")?)
}

fn restart(stage: &Stage, screen: &mut Screen<'_>) -> Result<(), DemoError> {
    screen.step(
        "restart keeps the container's layer",
        "The process ends, the mount goes, both come again. The files \
        never moved.",
    )?;
    screen.typed("minidock restart demo")?;
    let before = whereis(stage, FIRST)?;
    let (files, process) = (tree(&before.upper)?, process_of(&before));
    let request = StopRequest { container: FIRST.to_owned(), ..StopRequest::default() };
    runtime::restart(stage.home(), &request).map_err(|error| DemoError::of("restart", error))?;
    let after = whereis(stage, FIRST)?;
    let again = process_of(&after);
    let number = |process: Option<i64>| process.map_or("none".to_owned(), |number| number.to_string());
    screen.line(format_args!("   process {} before, process {} now", number(process), number(again)))?;
    screen.proof("it is another process", process.is_some() && again.is_some() && process != again)?;
    screen.proof(
        "the same directory takes the changes, and every file in it is as it was",
        after.upper == before.upper && tree(&after.upper)? == files,
    )?;
    let (_, said) = stage.sh(FIRST, "cat /srv/greeting; ls /srv")?;
    let expected = format!("{GREETING}{ADDED}\ngreeting\n");
    Ok(screen.proof("the container sees its line, and not the deleted file", said == expected)?)
}

fn remove(stage: &mut Stage, screen: &mut Screen<'_>, image: &BTreeMap<PathBuf, String>) -> Result<(), DemoError> {
    screen.step(
        "rm discards it",
        "The container's two layers, their links and all its small files go. The image stays.",
    )?;
    screen.typed("minidock rm --force demo")?;
    let container = whereis(stage, FIRST)?;
    let layers: Vec<_> = container.init.iter().map(|init| parent(init)).chain([parent(&container.upper)]).collect();
    stage.rm(FIRST)?;
    let mount = stage.root().join("image/overlay2/layerdb/mounts").join(&container.id);
    for path in layers.iter().chain([&mount, &container.config]) {
        screen.file(path, if path.exists() { "still there" } else { "gone" })?;
    }
    let gone = layers.iter().chain([&mount, &container.config]).all(|path| !path.exists());
    screen.proof("its layers, its entry in layerdb and its own directory are gone", gone)?;
    let overlay = stage.root().join("overlay2");
    let links = sys::list_dir(overlay.join("l"))?;
    let lead = links.iter().all(|link| overlay.join("l").join(link).exists());
    screen.proof("two links are left in l/, and none leads nowhere", links.len() == 2 && lead)?;
    screen.proof("nothing of it is mounted", mount_of(&container)?.is_none())?;
    Ok(screen.proof("not one file of the image has changed", layer_files(stage.root())? == *image)?)
}

fn clean_start(stage: &mut Stage, screen: &mut Screen<'_>) -> Result<(), DemoError> {
    screen.step("A second container starts clean", "Same image, a new empty layer: nothing of the first is seen.")?;
    screen.typed("minidock run -d --name second --network none minidock-demo sh -c '…'")?;
    screen.typed("minidock exec second sh -c 'cat /srv/greeting; ls /srv'")?;
    make(stage, SECOND)?;
    runtime::start(stage.home(), SECOND).map_err(|error| DemoError::of("start", error))?;
    let (_, said) = stage.sh(SECOND, "cat /srv/greeting; ls /srv")?;
    for line in said.lines() {
        screen.line(format_args!("   {line}"))?;
    }
    let expected = format!("{GREETING}greeting\nold-news\n");
    Ok(screen.proof("it reads the image's greeting, and the deleted file is back", said == expected)?)
}

fn make(stage: &mut Stage, name: &str) -> Result<(), DemoError> {
    let flags = Flags {
        name: Some(name.to_owned()),
        image: image::NAME.to_owned(),
        command: ["/bin/sh", "-c", WAITS].map(str::to_owned).into(),
        network: Some("none".to_owned()),
        ..Flags::default()
    };
    runtime::create(stage.home(), flags.request()).map_err(|error| DemoError::of("create", error))?;
    stage.has(name);
    Ok(())
}

fn whereis(stage: &Stage, name: &str) -> Result<Where, DemoError> {
    runtime::whereis(stage.home(), name).map_err(|error| DemoError::of("where", error))
}

/// Files of the image below a container.
trait LowerFile {
    /// Where a file of the image's nearest layer lies.
    fn lower_file(&self, name: &str) -> PathBuf;
}

impl LowerFile for Where {
    fn lower_file(&self, name: &str) -> PathBuf {
        self.lower.first().map(|layer| layer.path.join(name)).unwrap_or_default()
    }
}

/// A layer's directory with what its small files say.
fn show_layer(screen: &mut Screen<'_>, layer: &Path) -> Result<(), DemoError> {
    screen.file(layer, "")?;
    for (name, meaning) in [("link", ""), ("lower", ""), ("committed", "something rests on it")] {
        let Some(says) = text(&layer.join(name)) else { continue };
        let says = says.split(':').collect::<Vec<_>>().join(" : ");
        screen.line(format_args!("     {name:<10}{}", if meaning.is_empty() { first_line(&says) } else { meaning }))?;
        for more in says.split(" : ").skip(1) {
            screen.line(format_args!("               {more}"))?;
        }
    }
    let holds = sys::list_dir(layer.join("diff"))?;
    let holds: Vec<_> = holds.iter().map(|name| name.to_string_lossy()).collect();
    screen
        .line(format_args!("     diff/     {}", if holds.is_empty() { "empty".to_owned() } else { holds.join(" ") }))?;
    Ok(())
}

fn first_line(says: &str) -> &str {
    says.split(" : ").next().unwrap_or_default()
}
