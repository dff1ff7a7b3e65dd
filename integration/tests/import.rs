//! `import`: a tar becomes an image of one layer.

use integration::images::base_layer;
use integration::{House, same_on_both};

/// The image's own words: all but its id and time, which chance gives.
fn of(house: &House, id: &str) -> (String, String) {
    let history = house.ok(&["history", "--no-trunc", "--format", "{{.CreatedBy}}|{{.Size}}|{{.Comment}}", id]);
    (history, house.ok(&["inspect", "--type", "image", "--format", "{{json .Config}} {{json .RootFS}} {{.Size}}", id]))
}

#[test]
fn from_a_file_leaves_the_same_files() {
    same_on_both(|house| {
        let path = house.write("base.tar", base_layer()).display().to_string();
        let said = house.run(&["import", &path, "base:1"]);
        let again = house.run(&["import", &path]);
        let id = said.out.trim().to_owned();
        (said, again, of(house, &id), house.tree("image/DRIVER/layerdb"), house.tree("DRIVER"))
    });
}

#[test]
fn from_stdin_and_gzipped() {
    use std::io::Write as _;
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(base_layer()).expect("a vector takes everything");
    let packed = packed.finish().expect("a vector takes everything");
    same_on_both(move |house| {
        let plain = house.run_fed(&["import", "-", "plain:1"], base_layer());
        let zipped = house.run_fed(&["import", "-", "zipped:1"], &packed);
        let both = ["plain:1", "zipped:1"].map(|name| of(house, name));
        (
            plain,
            zipped,
            both.to_vec(),
            house.run(&["run", "--rm", "--network", "none", "plain:1", "echo", "it", "runs"]),
        )
    });
}

#[test]
fn with_changes_and_a_message() {
    same_on_both(|house| {
        let changes = [
            "-c",
            "ENV A=b",
            "-c",
            "CMD [\"sh\",\"-c\",\"echo $A\"]",
            "-c",
            "WORKDIR /data",
            "-c",
            "LABEL x=y",
            "-c",
            "USER guest",
            "-c",
            "EXPOSE 80",
            "-c",
            "ENTRYPOINT /bin/true",
        ];
        let args = [&["import", "-m", "a word"], &changes[..], &["-", "changed:1"]].concat();
        let said = house.run_fed(&args, base_layer());
        let refused = house.run_fed(&["import", "-c", "FROM x", "-", "bad:1"], base_layer());
        (said, of(house, "changed:1"), refused)
    });
}

#[test]
fn what_is_refused_leaves_nothing() {
    same_on_both(|house| {
        let refused = (
            house.run_fed(&["import", "-", "Bad Name"], base_layer()).code,
            house.run_fed(&["import", "-", "cut:1"], &base_layer()[..100_000]),
            house.run(&["import", "/nowhere.tar", "x:1"]).code,
        );
        (refused, house.run(&["images", "-a"]), house.tree("DRIVER"))
    });
}
