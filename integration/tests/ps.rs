//! `ps`: the table, its filters and formats.

use integration::{House, same_on_both};

fn furnish(house: &House) {
    house.ok(&["run", "-d", "--network", "none", "--name", "up", "--label", "a=b", "busybox:golden", "sleep", "1000"]);
    house.ok(&["run", "--network", "none", "--name", "ended", "busybox:golden", "true"]);
    assert_eq!(
        house
            .run(&[
                "run",
                "--network",
                "none",
                "--name",
                "failed",
                "busybox:golden",
                "sh",
                "-c",
                "echo x > /new; exit 3"
            ])
            .code,
        3
    );
    house.ok(&[
        "create",
        "--network",
        "none",
        "--name",
        "never",
        "--label",
        "a",
        "busybox:golden",
        "echo",
        "a long command with many words",
        "and \"quotes\"",
    ]);
}

#[test]
fn the_table_in_all_its_widths() {
    same_on_both(|house| {
        let empty = house.run(&["ps", "-a"]);
        furnish(house);
        let said = [
            &["ps"][..],
            &["ps", "-a"],
            &["ps", "-q"],
            &["ps", "-aq"],
            &["ps", "-a", "--no-trunc"],
            &["ps", "-l"],
            &["ps", "-n", "2"],
            &["ps", "-as"],
            &["ps", "-aq", "--no-trunc"],
            &["container", "ls", "-a"],
        ];
        let told = (empty, said.map(|args| house.run(args)).to_vec());
        house.ok(&["kill", "up"]);
        told
    });
}

#[test]
fn filters() {
    same_on_both(|house| {
        furnish(house);
        let filters = [
            "status=running",
            "status=exited",
            "status=created",
            "status=nosuch",
            "name=e",
            "name=^/up$",
            "name=^up$",
            "name=(ended|never)",
            "name=[",
            "exited=3",
            "exited=0",
            "label=a",
            "label=a=b",
            "ancestor=busybox:golden",
            "ancestor=nosuch",
            "before=failed",
            "since=ended",
            "network=none",
            "id=nosuch",
            "nosuch=1",
            "health=none",
            "health=odd",
            "is-task=false",
            "is-task=true",
            "is-task=x",
            "isolation=default",
            "publish=80",
            "expose=80/tcp",
            "expose=x",
            "publish=1:2",
            "publish=9-8",
        ];
        let said: Vec<_> = filters
            .iter()
            .map(|filter| house.run(&["ps", "-a", "--format", "{{.Names}}", "--filter", filter]))
            .collect();
        let both = house.run(&[
            "ps",
            "-a",
            "-f",
            "status=exited",
            "-f",
            "status=created",
            "-f",
            "label=a",
            "--format",
            "{{.Names}}",
        ]);
        house.ok(&["kill", "up"]);
        (said, both)
    });
}

#[test]
fn formats() {
    same_on_both(|house| {
        furnish(house);
        let formats = [
            "{{.ID}} {{.Names}} {{.Image}} {{.Command}} {{.State}} {{.Status}}",
            "table {{.Names}}\t{{.Image}}\t{{.Label \"made\"}}",
            "{{.Label \"a\"}}|{{.Mounts}}|{{.Networks}}|{{.Ports}}|{{.LocalVolumes}}",
            "{{json .Names}}",
            "{{.Size}}",
            "{{.NoSuch}}",
        ];
        let said = formats.map(|format| house.run(&["ps", "-a", "--format", format]));
        house.ok(&["kill", "up"]);
        (said[..5].to_vec(), said[5].code)
    });
}
