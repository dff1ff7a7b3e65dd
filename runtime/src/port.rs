//! `port`: where a container's ports are reachable. Pure.

use serde_json::Value;

/// Why a port is not shown. The words are docker's client's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PortError {
    /// Not a number.
    #[error("strconv.ParseUint: parsing {0:?}: invalid syntax")]
    Invalid(String),
    /// A number that is none of a port's.
    #[error("strconv.ParseUint: parsing {0:?}: value out of range")]
    TooLarge(String),
    /// The first is behind the last.
    #[error("Invalid range specified for the Port: {0}")]
    Range(String),
    /// Nothing.
    #[error("Empty string specified for ports.")]
    Empty,
    /// Nobody outside reaches it.
    #[error("Error: No public port '{port}' published for {container}")]
    NotPublished {
        /// With its protocol.
        port: String,
        /// As the user typed it.
        container: String,
    },
}

/// The lines that `port` prints for a container's inspected object: of all ports, or of one.
///
/// docker/cli 20.10, command/container/port.go `runPort`. unlike docker: sorted, since its order
/// is chance.
///
/// # Errors
/// [`PortError`].
pub fn lines(inspected: &Value, container: &str, port: Option<&str>) -> Result<Vec<String>, PortError> {
    let ports = inspected["NetworkSettings"]["Ports"].as_object();
    let address = |on: &Value| {
        let text = |key: &str| on[key].as_str().unwrap_or_default().to_owned();
        format!("{}:{}", text("HostIp"), text("HostPort"))
    };
    let Some(port) = port.filter(|port| !port.is_empty()) else {
        let lines = ports.into_iter().flatten().flat_map(|(from, at)| {
            at.as_array().into_iter().flatten().map(move |on| format!("{from} -> {}", address(on)))
        });
        return Ok(lines.collect());
    };
    // docker takes a protocol off only if there is one behind the slash.
    let (number, protocol) = match port.split_once('/') {
        Some((number, protocol)) if !protocol.is_empty() => (number, protocol),
        _ => (port, "tcp"),
    };
    range(number)?;
    let asked = format!("{number}/{protocol}");
    match ports.and_then(|ports| ports.get(&asked)).and_then(Value::as_array) {
        Some(at) => Ok(at.iter().map(address).collect()),
        None => Err(PortError::NotPublished { port: asked, container: container.to_owned() }),
    }
}

/// A port, or a range of them: the first and the last (docker/go-connections, nat
/// `ParsePortRange`).
///
/// # Errors
/// [`PortError`].
pub fn range(text: &str) -> Result<(u16, u16), PortError> {
    let number = |text: &str| match text.parse::<u16>() {
        _ if text.is_empty() || text.bytes().any(|byte| !byte.is_ascii_digit()) => {
            Err(PortError::Invalid(text.to_owned()))
        }
        Err(_) => Err(PortError::TooLarge(text.to_owned())),
        Ok(number) => Ok(number),
    };
    match text.split_once('-') {
        _ if text.is_empty() => Err(PortError::Empty),
        None => number(text).map(|port| (port, port)),
        Some((first, last)) if number(first)? > number(last)? => Err(PortError::Range(text.to_owned())),
        Some((first, last)) => Ok((number(first)?, number(last)?)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shown(port: Option<&str>) -> Result<Vec<String>, PortError> {
        let on = |ip: &str, port: &str| json!({"HostIp": ip, "HostPort": port});
        let ports = json!({"80/tcp": [on("0.0.0.0", "8080"), on("::", "8080")], "53/udp": [on("127.0.0.1", "53")],
            "443/tcp": null});
        lines(&json!({"NetworkSettings": {"Ports": ports}}), "web", port)
    }

    #[test]
    fn all_ports_or_one() {
        assert_eq!(
            shown(None).expect("ports"),
            ["80/tcp -> 0.0.0.0:8080", "80/tcp -> :::8080", "53/udp -> 127.0.0.1:53"]
        );
        assert_eq!(shown(Some("80")).expect("published"), ["0.0.0.0:8080", ":::8080"]);
        assert_eq!(shown(Some("53/udp")).expect("published"), ["127.0.0.1:53"]);
    }

    #[test]
    fn what_is_not_published_is_said_so() {
        let words = |port| shown(Some(port)).expect_err("not published").to_string();
        assert_eq!(words("443"), "Error: No public port '443/tcp' published for web");
        assert_eq!(words("53"), "Error: No public port '53/tcp' published for web");
        assert_eq!(words("http"), "strconv.ParseUint: parsing \"http\": invalid syntax");
    }
}
