//! The volume chapter of a course: a data container, a backup of its anonymous volume by tar,
//! damage, restore, and what stays when the containers go.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use integration::{same_on_both, same_on_bridges};

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

/// What a web server at this port of the host gives.
fn fetched(port: u16) -> String {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let mut text = String::new();
        let heard = TcpStream::connect(("127.0.0.1", port)).and_then(|mut stream| {
            stream.write_all(b"GET /index.html HTTP/1.0\r\nHost: localhost\r\n\r\n")?;
            stream.read_to_string(&mut text)
        });
        if heard.is_ok() && text.starts_with("HTTP/1.") {
            return text.rsplit_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default();
        }
        assert!(Instant::now() < deadline, "nobody answers at port {port}");
        std::thread::yield_now();
    }
}

/// A server whose pages are a directory of the host, then a volume that another container writes.
#[test]
fn a_server_shows_what_its_volume_holds() {
    same_on_bridges(|house| {
        let site = house.room().join("site");
        std::fs::create_dir_all(&site).expect("a fresh room");
        house.write("site/index.html", b"from the host\n");
        let bind = format!("{}:/www:ro", site.display());
        let serve = ["busybox:golden", "busybox", "httpd", "-f", "-p", "80", "-h", "/www"];
        let begin = |name: &str, port: &str, volume: &str| {
            house.ok(&[&["run", "-d", "--name", name, "-p", port, "-v", volume], &serve[..]].concat());
        };
        begin("bound", "8080:80", &bind);
        let mut pages = vec![fetched(8080)];
        house.write("site/index.html", b"changed on the host\n");
        pages.push(fetched(8080));
        begin("named", "8081:80", "pages:/www");
        let writer = ["run", "--rm", "--network", "none", "-v", "pages:/pages", "busybox:golden", "sh", "-c"];
        house.ok(&[&writer[..], &["echo from a neighbour > /pages/index.html"]].concat());
        pages.push(fetched(8081));
        house.ok(&["rm", "-f", "bound", "named"]);
        begin("named", "8081:80", "pages:/www");
        pages.push(fetched(8081));
        house.ok(&["rm", "-f", "-v", "named"]);
        (pages, house.ok(&["volume", "ls", "-q"]))
    });
}
