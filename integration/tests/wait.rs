//! `wait`: exit codes, when they are there.

use integration::same_on_both;

#[test]
fn ended_running_and_missing() {
    same_on_both(|house| {
        let ended = house.run(&["run", "--network", "none", "--name", "ended", "busybox:golden", "sh", "-c", "exit 4"]);
        house.ok(&["run", "-d", "-i", "--network", "none", "--name", "up", "busybox:golden", "sleep", "1000"]);
        let going = house.spawn(&["wait", "up", "ended"]);
        // Only the kill ends the waiting.
        let killed = house.run(&["kill", "up"]);
        let waited = going.end();
        let said = [house.run(&["wait", "up"]), house.run(&["wait", "nosuch", "ended"])];
        (ended.code, killed, waited, said.to_vec())
    });
}
