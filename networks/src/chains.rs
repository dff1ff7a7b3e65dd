//! netavark's base chains, which it leaves behind. When no rule of anybody's is in them any more, they go.
//!
//! podman uses them, too. All of a table goes in one step of iptables-restore, which does nothing if a
//! rule has come in between: a chain with rules cannot be removed.

use std::{ffi::OsStr, path::Path};

/// Where iptables may be.
pub const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

const MINE: &str = "NETAVARK";

/// Chains with rules of their own that mean nothing by themselves.
const FURNISHED: [&str; 2] = ["NETAVARK-HOSTPORT-MASQ", "NETAVARK-HOSTPORT-SETMARK"];

/// Removes the chains that nobody uses. What fails here shows nothing to anybody: an empty chain stays.
pub fn clear() {
    for table in ["nat", "filter"] {
        let Some(rules) = ask("iptables", &["-w", "-t", table, "-S"], b"") else { continue };
        if let Some(script) = script(table, &rules) {
            ask("iptables-restore", &["-w", "--noflush"], script.as_bytes());
        }
    }
}

fn ask(program: &str, args: &[&str], input: &[u8]) -> Option<String> {
    let path = PATH.split(':').map(|dir| Path::new(dir).join(program)).find(|path| path.exists())?;
    let args: Vec<_> = args.iter().map(OsStr::new).collect();
    let said = sys::process::ask(&path, &args, PATH, input).ok().filter(|said| said.success)?;
    String::from_utf8(said.out).ok()
}

/// What iptables-restore is told, if nobody needs the chains of a table.
fn script(table: &str, rules: &str) -> Option<String> {
    let chains: Vec<&str> =
        rules.lines().filter_map(|line| line.strip_prefix("-N ")).filter(|chain| chain.starts_with(MINE)).collect();
    let ours = |chain: &str| chain.starts_with(MINE);
    let mut removals = Vec::new();
    for rule in rules.lines().filter_map(|line| line.strip_prefix("-A ")) {
        let chain = rule.split(' ').next().unwrap_or_default();
        let target = rule.rsplit_once("-j ").map_or("", |(_, target)| target.split(' ').next().unwrap_or_default());
        match () {
            () if FURNISHED.contains(&chain) => {}
            // A network, or a port, is in use.
            () if ours(chain) => return None,
            () if ours(target) && target != "NETAVARK_FORWARD" && !target.starts_with("NETAVARK-HOSTPORT-") => {
                return None;
            }
            () if ours(target) => removals.push(format!("-D {rule}")),
            () => {}
        }
    }
    if chains.is_empty() {
        return None;
    }
    let flush = chains.iter().filter(|chain| FURNISHED.contains(chain)).map(|chain| format!("-F {chain}"));
    let lines: Vec<String> = std::iter::once(format!("*{table}"))
        .chain(removals)
        .chain(flush)
        .chain(chains.iter().map(|chain| format!("-X {chain}")))
        .chain([String::from("COMMIT\n")])
        .collect();
    Some(lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: &str = "-P FORWARD ACCEPT\n-N NETAVARK_FORWARD\n\
        -A FORWARD -m comment --comment \"netavark firewall plugin rules\" -j NETAVARK_FORWARD\n";

    #[test]
    fn chains_that_nobody_uses_go() {
        let expected = "*filter\n-D FORWARD -m comment --comment \"netavark firewall plugin rules\" -j NETAVARK_FORWARD\n\
            -X NETAVARK_FORWARD\nCOMMIT\n";
        assert_eq!(script("filter", EMPTY).as_deref(), Some(expected));
    }

    #[test]
    fn chains_with_a_rule_stay_and_where_there_are_none_nothing_is_done() {
        assert_eq!(script("filter", &format!("{EMPTY}-A NETAVARK_FORWARD -s 10.0.0.0/8 -j ACCEPT\n")), None);
        assert_eq!(script("filter", "-P FORWARD DROP\n-A FORWARD -j DOCKER-USER\n"), None);
        let podmans = "-N NETAVARK-ABC\n-A POSTROUTING -s 10.88.0.0/16 -j NETAVARK-ABC\n";
        assert_eq!(script("nat", podmans), None);
    }
}
