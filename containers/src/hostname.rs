//! `hostname`: what is mounted on a container's `/etc/hostname`: the name and a newline.
//!
//! An empty `Config.Hostname` gives a lone newline (moby 20.10, container_unix.go
//! `BuildHostnameFile`); the UTS name is then the host's.

use base::ContainerId;

/// The file's bytes.
pub fn to_bytes(hostname: &str) -> Vec<u8> {
    format!("{hostname}\n").into_bytes()
}

/// The name in the file.
pub fn parse(text: &str) -> &str {
    text.strip_suffix('\n').unwrap_or(text)
}

/// The name of a container that was given none: the first twelve digits of its id.
pub fn default(id: &ContainerId) -> String {
    id.short().to_owned()
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_name_survives() {
        for name in ["", "4f53cda18c2b", "web.example.org"] {
            let bytes = super::to_bytes(name);
            assert_eq!(super::parse(std::str::from_utf8(&bytes).expect("a name is text")), name);
        }
    }
}
