//! `inspect`: the same JSON in every state.

use integration::same_on_both;

#[test]
fn created_running_and_ended() {
    same_on_both(|house| {
        house.ok(&[
            "create",
            "--network",
            "none",
            "--name",
            "one",
            "-v",
            "/tmp:/host:ro",
            "-v",
            "vol:/vol",
            "busybox:golden",
            "sh",
            "-c",
            "sleep 1000",
        ]);
        let created = house.run(&["inspect", "one"]).json();
        house.ok(&["start", "one"]);
        let running = house.run(&["inspect", "one"]).json();
        house.ok(&["kill", "one"]);
        house.ended("one");
        (created, running, house.run(&["inspect", "one"]).json())
    });
}

/// To the last space, of one whose lists have an order.
#[test]
fn the_same_bytes() {
    same_on_both(|house| {
        house.ok(&["create", "--network", "none", "--name", "one", "busybox:golden", "true"]);
        (house.run(&["inspect", "one"]), house.run(&["inspect", "one", "one"]))
    });
}

#[test]
fn sizes_types_and_formats() {
    same_on_both(|house| {
        house.ok(&["run", "--network", "none", "--name", "one", "busybox:golden", "sh", "-c", "echo 12345 > /new"]);
        let said = [
            &["inspect", "-s", "-f", "{{.SizeRw}} {{.SizeRootFs}}", "one"][..],
            &["inspect", "-f", "{{.Name}} {{.State.ExitCode}} {{json .Config.Cmd}}", "one"],
            &["inspect", "-f", "{{range .Config.Env}}{{println .}}{{end}}", "one"],
            &["inspect", "-f", "{{index .Config.Labels \"made\"}} {{len .Config.Env}}", "one"],
            &["inspect", "--type", "image", "busybox:golden", "-f", "{{.Id}}"],
            &["inspect", "--type", "container", "busybox:golden"],
            &["inspect", "--type", "image", "one"],
            &["inspect", "-f", "{{.GraphDriver.Name}}", "one", "busybox:golden"],
            &["container", "inspect", "-f", "{{.Id}}", "one"],
        ];
        let said = said.map(|args| house.run(args)).to_vec();
        (
            said,
            house.run(&["inspect", "-f", "{{.broken", "one"]).code,
            house.run(&["inspect", "-f", "{{.NoSuch.Field}}", "one"]).code,
        )
    });
}

#[test]
fn what_is_not_there_and_what_is() {
    same_on_both(|house| {
        house.ok(&["create", "--network", "none", "--name", "one", "busybox:golden"]);
        let said = [house.run(&["inspect", "nosuch"]), house.run(&["container", "inspect", "nosuch"])];
        let mixed = house.run(&["inspect", "-f", "{{.Name}}", "nosuch", "one", "other"]);
        (said.map(|said| (said.out.clone(), said.code)).to_vec(), mixed.out, mixed.code)
    });
}

#[test]
fn what_is_null_or_left_out_is_printed_by_its_type() {
    same_on_both(|house| {
        house.ok(&["create", "--network", "none", "--name", "plain", "busybox:golden", "true"]);
        let fields = [
            "{{.HostConfig.Binds}} {{.HostConfig.CapAdd}} {{.HostConfig.Init}} {{.HostConfig.Tmpfs}}",
            "{{.Config.Cmd}} {{.Config.Entrypoint}} {{.Config.Volumes}} {{.Config.OnBuild}} {{.Config.Shell}}",
            "{{.State.Health}} {{.Config.Healthcheck}} {{.Config.StopTimeout}} {{.ExecIDs}} {{.SizeRw}}",
            "{{json .HostConfig.Binds}} {{json .State.Health}}",
            "{{if .State.Health}}yes{{else}}no{{end}} {{.HostConfig.PidsLimit}}",
            "{{.State.Health.Status}}",
            "{{.State.Nope}}",
            "{{.Nope}}",
            "{{.State.Running",
        ];
        fields.map(|field| house.run(&["inspect", "-f", field, "plain"])).to_vec()
    });
}
