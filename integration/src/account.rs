//! All an engine says of its data root, as one text to compare before and after a handover.

use std::collections::BTreeSet;

use crate::house::House;
use crate::images;
use crate::said::Tell;

impl House {
    /// Everything an engine says of what is there, without changing it: images, their history and configuration,
    /// containers, their records, changes and logs, and the digests of what `save` gives.
    #[track_caller]
    pub fn account(&self) -> String {
        let mut page = Vec::new();
        page.push(self.run(&["images", "-a", "--no-trunc"]).sorted().told());
        let mut images: Vec<_> = self.ok(&["images", "-aq", "--no-trunc"]).lines().map(str::to_owned).collect();
        images.sort();
        images.dedup();
        for image in &images {
            page.push(self.run(&["inspect", "--type", "image", image]).json().told());
            page.push(self.run(&["history", "--no-trunc", image]).told());
            page.push(self.saved(&[image]));
        }
        page.push(self.run(&["ps", "-a", "--no-trunc"]).told());
        for container in self.ok(&["ps", "-aq", "--no-trunc"]).lines() {
            page.push(self.run(&["inspect", "-s", container]).json().told());
            page.push(self.run(&["diff", container]).sorted().told());
            // Asked for the log of one that never ran, dockerd remembers a path for it, until it stops.
            if self.ok(&["inspect", "-f", "{{.State.Status}}", container]) != "created" {
                page.push(self.run(&["logs", container]).told());
            }
        }
        self.neutral(&page.concat())
    }

    /// As [`House::account`], of what every version says alike: no records whole, no archive's own shape.
    #[track_caller]
    pub fn outline(&self) -> String {
        let mut page = Vec::new();
        let each = |verb: &[&str]| self.run(verb).sorted().told();
        page.push(each(&["images", "-a", "--no-trunc", "--format", "{{.ID}} {{.Repository}}:{{.Tag}} {{.Size}}"]));
        let images = self.ok(&["images", "-q", "--no-trunc"]);
        for image in images.lines().collect::<BTreeSet<_>>() {
            page.push(each(&["history", "--no-trunc", "--format", "{{.CreatedBy}} {{.Size}} {{.Comment}}", image]));
            page.push(each(&[
                "inspect",
                "--type",
                "image",
                "-f",
                "{{.Id}} {{json .RootFS.Layers}} {{json .RepoTags}}",
                image,
            ]));
            let layers = self.ok(&["inspect", "--type", "image", "-f", "{{json .RootFS.Layers}}", image]);
            let saved = self.saved(&[image]);
            let mut whole: Vec<_> = layers.split('"').filter_map(|layer| layer.strip_prefix("sha256:")).collect();
            whole.retain(|layer| saved.contains(&layer[..16]));
            page.push(format!("saved whole: {}\n", whole.join(" ")));
        }
        page.push(each(&[
            "ps",
            "-a",
            "--no-trunc",
            "--format",
            "{{.ID}} {{.Names}} {{.Image}} {{.Command}} {{.State}}",
        ]));
        let record = "{{.Name}} {{.Path}} {{json .Args}} {{.Image}} {{.State.ExitCode}} {{json .Config.Env}} {{json .Config.Cmd}} \
                      {{.Config.Hostname}} {{.Config.WorkingDir}} {{json .HostConfig.Binds}} {{.HostConfig.Memory}} \
                      {{json .HostConfig.CapDrop}} {{.HostConfig.ReadonlyRootfs}} {{.HostConfig.NetworkMode}} {{.GraphDriver.Data.UpperDir}}";
        for container in self.ok(&["ps", "-aq", "--no-trunc"]).lines() {
            page.push(each(&["inspect", "-f", record, container]));
            page.push(each(&["diff", container]));
            if self.ok(&["inspect", "-f", "{{.State.Status}}", container]) != "created" {
                page.push(self.run(&["logs", container]).told());
            }
        }
        self.neutral(&page.concat())
    }

    /// What `save` of these images gives, as names and digests.
    #[track_caller]
    pub fn saved(&self, images: &[&str]) -> String {
        let path = self.room().join("saved.tar");
        let said = self.run(&[&["save", "-o", &path.display().to_string()], images].concat());
        if said.code != 0 {
            return said.told();
        }
        format!("save {}\n{}\n", images.join(" "), images::listing(&path))
    }
}
