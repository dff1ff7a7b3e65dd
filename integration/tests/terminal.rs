//! Containers with a terminal, typed to and read as a person would, on both engines: prompt, size, leaving and coming
//! back, the keys that are signals, and a terminal that is itself again afterwards.

use integration::{House, Screen, same_on_both};

const IMAGE: &str = "busybox:golden";

/// Begins a container with a shell, and waits for its prompt.
fn begin(house: &House, name: &str) -> Screen {
    let screen = Screen::open(house, name);
    screen.line(&format!("engine run -it --network none --name {name} -e PS1='in''side> ' {IMAGE} sh"));
    screen.wait("inside>");
    screen
}

/// The settings of the user's terminal, as the shell sees them.
fn settings(screen: &Screen, at: &str) -> String {
    screen.line(&format!("stty -a; echo {at}-''end"));
    screen.await_line(&format!("{at}-end"));
    let text = screen.text();
    let from = text.rfind("speed ").expect("stty says so");
    text[from..].split(&format!("{at}-end")).next().expect("the first part").to_owned()
}

#[test]
fn a_shell_has_a_prompt_a_terminal_and_an_end() {
    same_on_both(|house| {
        let screen = Screen::open(house, "shell");
        let before = settings(&screen, "before");
        screen.line(&format!("engine run -it --network none --name shell -e PS1='in''side> ' {IMAGE} sh"));
        screen.wait("inside>");
        screen.line("test -t 0 && test -t 1 && test -t 2 && echo all-''three; echo $TERM");
        screen.await_line("all-three");
        screen.await_line("xterm");
        screen.line("exit 7");
        screen.await_prompt();
        screen.line("echo code=$?");
        screen.await_line("code=7");
        assert_eq!(settings(&screen, "after"), before, "the terminal is as it was");
        let container = house.inspect("shell");
        let log = house.run(&["logs", "shell"]);
        assert!(log.out.contains("all-three") && log.err.is_empty(), "{log:?}");
        ["Tty", "OpenStdin", "StdinOnce", "AttachStdin"].map(|key| container["Config"][key].to_string()).to_vec()
    });
}

#[test]
fn the_size_is_the_users_and_changes_with_it() {
    same_on_both(|house| {
        let screen = begin(house, "size");
        screen.line("busybox stty size");
        screen.await_line("24 80");
        screen.resize(100, 30);
        // Told by a signal to the client, which tells the engine: a moment later.
        screen.line("until busybox stty size | grep '30 100'; do sleep 0.1; done");
        screen.await_line("30 100");
        house.ok(&["rm", "-f", "size"]);
    });
}

#[test]
fn leaving_and_coming_back() {
    same_on_both(|house| {
        let screen = begin(house, "left");
        screen.line("mark=kept");
        screen.keys(&["C-p", "C-q"]);
        screen.await_prompt();
        screen.line("echo left=$?");
        screen.await_line("left=0");
        let running = house.ok(&["inspect", "-f", "{{.State.Running}}", "left"]);
        screen.line("engine attach left");
        screen.line("echo $mark-''still");
        screen.await_line("kept-still");
        screen.keys(&["C-p", "C-q"]);
        screen.wait("read escape sequence");
        screen.await_prompt();
        screen.line("echo again=$?");
        screen.await_line("again=1");
        screen.line("engine attach --detach-keys ctrl-a,x left");
        screen.line("echo third-''time");
        screen.await_line("third-time");
        screen.keys(&["C-a", "x"]);
        screen.await_prompt();
        screen.line("echo own-keys=$?");
        screen.await_line("own-keys=1");
        house.ok(&["rm", "-f", "left"]);
        running
    });
}

#[test]
fn an_interrupt_is_the_containers() {
    same_on_both(|house| {
        let screen = begin(house, "keys");
        screen.line("sleep 1000");
        screen.wait("sleep 1000");
        screen.keys(&["C-c"]);
        screen.line("echo interrupted=$?");
        screen.await_line("interrupted=130");
        house.ok(&["rm", "-f", "keys"]);
    });
}

#[test]
fn another_process_in_a_terminal() {
    same_on_both(|house| {
        house.ok(&["run", "-d", "--network", "none", "--name", "long", IMAGE, "sleep", "1000"]);
        let screen = Screen::open(house, "exec");
        let before = settings(&screen, "before");
        screen.line("engine exec -it -e PS1='in''side> ' -w /data long sh");
        screen.wait("inside>");
        screen.line("test -t 0 && pwd && echo $TERM-''ok");
        screen.await_line("/data");
        screen.await_line("xterm-ok");
        screen.line("exit 3");
        screen.await_prompt();
        screen.line("echo code=$?");
        screen.await_line("code=3");
        assert_eq!(settings(&screen, "after"), before);
        house.ok(&["rm", "-f", "long"]);
    });
}

/// What has no terminal cannot be one's.
#[test]
fn without_a_terminal_of_our_own() {
    same_on_both(|house| {
        let run = house.run(&["run", "--rm", "-it", "--network", "none", IMAGE, "true"]);
        house.ok(&["run", "-d", "-it", "--network", "none", "--name", "kept", IMAGE, "sh"]);
        let attach = house.run(&["attach", "kept"]);
        let exec = house.run(&["exec", "-it", "kept", "true"]);
        let shown = house.run(&["exec", "-t", "kept", "echo", "a line"]);
        house.ok(&["rm", "-f", "kept"]);
        let alone = house.run(&["run", "--rm", "-t", "--network", "none", IMAGE, "sh", "-c", "echo out; echo err >&2"]);
        (run, attach, exec, shown, alone)
    });
}

#[test]
fn attach_to_what_does_not_run() {
    same_on_both(|house| {
        house.ok(&["create", "--network", "none", "--name", "still", IMAGE, "true"]);
        (house.run(&["attach", "still"]), house.run(&["attach", "ghost"]), house.run(&["attach"]).code)
    });
}

/// Whoever comes sees what is said from then on, may type, and gets the exit code.
#[test]
fn attach_without_a_terminal() {
    same_on_both(|house| {
        let script = "while read line; do echo \"got $line\"; echo err >&2; [ $line != end ] || exit 5; done";
        house.ok(&["run", "-d", "-i", "--network", "none", "--name", "echo", IMAGE, "sh", "-c", script]);
        let mut one = house.spawn(&["attach", "echo"]);
        one.feed(b"first\n");
        one.await_words("got first");
        one.feed(b"end\n");
        // docker's client may end before it has shown the last lines.
        let one = one.end();
        (one.code, one.out.starts_with("got first\n"), house.ok(&["inspect", "-f", "{{.State.ExitCode}}", "echo"]))
    });
}

/// The process that keeps a container is killed: the client ends, and the terminal is as it was.
#[test]
fn a_terminal_outlives_the_shim() {
    let mut house = House::open(&integration::Side::under_test(), integration::Driver::Overlay2);
    house.load_golden();
    if !house.is_ours() {
        return house.stop_engine();
    }
    let screen = Screen::open(&house, "lost");
    let before = settings(&screen, "before");
    screen.line(&format!("engine run -it --network none --name lost -e PS1='in''side> ' {IMAGE} sh"));
    screen.wait("inside>");
    assert_eq!(house.shims().len(), 1);
    house.shims().into_iter().for_each(|shim| integration::send(shim, "KILL"));
    screen.wait("the connection to the container was lost");
    assert_eq!(settings(&screen, "after"), before);
    house.ok(&["rm", "-f", "lost"]);
}

#[test]
fn the_terminal_belongs_to_the_user() {
    same_on_both(|house| {
        let screen = Screen::open(house, "owner");
        screen.line(&format!("engine run -it --rm --network none --user 1234:5 {IMAGE} sh"));
        screen.wait("$ ");
        screen.line("echo ow''ned > /dev/stdout; busybox stat -c 'is %u %a' $(busybox tty)");
        screen.await_line("owned");
        screen.await_line("is 1234 620");
        screen.line("exit");
        screen.await_prompt();
        house.ok(&["run", "-d", "--network", "none", "--name", "exec", IMAGE, "sleep", "600"]);
        screen.line("engine exec -it -u 77 exec sh -c 'echo ow''ned-too > /dev/stdout'");
        screen.await_line("owned-too");
        house.ok(&["rm", "-f", "exec"]);
    });
}

#[test]
fn an_exec_is_refused_by_the_first_who_sees_why() {
    same_on_both(|house| {
        house.ok(&["create", "--network", "none", "--name", "still", IMAGE, "true"]);
        house.ok(&["run", "-d", "--network", "none", "--name", "moving", IMAGE, "sleep", "600"]);
        let said = [
            house.run(&["exec", "-it", "still", "true"]),
            house.run(&["exec", "-i", "still", "true"]),
            house.run(&["exec", "--detach-keys", "bogus", "still", "true"]),
            house.run(&["exec", "--detach-keys", "bogus", "moving", "true"]),
            house.run(&["exec", "-d", "--detach-keys", "ctrl-1", "moving", "true"]),
        ];
        house.ok(&["rm", "-f", "moving"]);
        said.to_vec()
    });
}
