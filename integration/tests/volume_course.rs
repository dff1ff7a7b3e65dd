//! The volume chapter of a course: a data container, a backup of its anonymous volume by tar,
//! damage, restore, and what stays when the containers go.

use integration::same_on_both;

#[test]
fn backup_damage_restore_and_what_stays() {
    same_on_both(|house| {
        let backup = house.room().join("backup");
        std::fs::create_dir_all(&backup).expect("a fresh room");
        let backup = format!("{}:/backup", backup.display());
        let run = |more: &[&str], script: &str| {
            let begin = ["run", "--rm", "--network", "none"];
            house.run(&[&begin, more, &["busybox:golden", "sh", "-c", script]].concat())
        };
        let begin = ["create", "--network", "none", "--name", "store", "-v", "/data", "-v", "shared:/shared"];
        house.ok(&[begin.as_slice(), &["busybox:golden", "true"]].concat());
        let mut said = vec![
            run(
                &["--volumes-from", "store"],
                "echo one > /data/one; mkdir /data/d; echo two > /data/d/two; echo s > /shared/s",
            ),
            run(&["--volumes-from", "store:ro"], "cat /data/one /data/d/two; echo x > /data/one"),
            run(&["--volumes-from", "store", "-v", &backup], "cd /data && tar cf /backup/data.tar ."),
            run(&["--volumes-from", "store"], "rm -r /data/d; echo damaged > /data/one"),
            run(&["--volumes-from", "store"], "cat /data/one; ls /data"),
            run(&["--volumes-from", "store", "-v", &backup], "cd /data && rm -r one && tar xf /backup/data.tar"),
            run(&["--volumes-from", "store"], "cat /data/one /data/d/two /shared/s"),
            run(&["-v", "shared:/a", "-v", "shared:/b:ro"], "cat /b/s; echo new > /a/s; cat /b/s; echo no > /b/s"),
        ];
        let count = |house: &integration::House| house.run(&["volume", "ls", "-q"]).out.lines().count();
        let before = count(house);
        said.push(house.run(&["rm", "-v", "store"]));
        said.push(house.run(&["volume", "ls", "-q"]));
        said.push(run(&["-v", "shared:/shared"], "cat /shared/s"));
        (said, before, house.tree("volumes/shared"))
    });
}
