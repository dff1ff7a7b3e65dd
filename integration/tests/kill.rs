//! `kill`: a signal, by name or number.

use integration::same_on_both;

#[test]
fn signals() {
    same_on_both(|house| {
        let script = "trap 'echo hup' HUP; trap 'echo usr1' USR1; echo ready; while true; do sleep 0.1; done";
        house.ok(&["run", "-d", "--network", "none", "--name", "one", "busybox:golden", "sh", "-c", script]);
        let heard = |words: &str| {
            while !house.ok(&["logs", "one"]).contains(words) {
                std::thread::yield_now();
            }
        };
        heard("ready");
        let mut said = vec![house.run(&["kill", "-s", "HUP", "one"])];
        heard("hup");
        said.push(house.run(&["kill", "--signal=SIGUSR1", "one"]));
        heard("usr1");
        said.push(house.run(&["kill", "-s", "1", "one"]));
        said.push(house.run(&["kill", "-s", "NOSUCH", "one"]));
        said.push(house.run(&["inspect", "-f", "{{.State.Status}}", "one"]));
        said.push(house.run(&["kill", "one"]));
        said.push(house.run(&["wait", "one"]));
        said
    });
}

#[test]
fn what_does_not_run_cannot_be_killed() {
    same_on_both(|house| {
        let id = house.ok(&["create", "--network", "none", "--name", "still", "busybox:golden"]);
        let said =
            [house.run(&["kill", "still"]), house.run(&["kill", &id[..12]]), house.run(&["kill", "nosuch", "still"])];
        said.to_vec()
    });
}
