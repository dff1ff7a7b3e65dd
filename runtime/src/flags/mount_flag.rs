//! `--mount type=…,source=…,target=…`: one line of CSV with `key=value` fields.
//!
//! docker/cli 20.10, opts/mount.go. Pure; each error is the client's sentence.

use containers::config_v2::{BindOptions, Mount, TmpfsOptions, VolumeDriver, VolumeOptions};

use super::values::{BadValue, Parsed};

/// Reads the value of one `--mount`.
///
/// # Errors
/// [`BadValue`].
pub fn mount(text: &str) -> Parsed<Mount> {
    let mut mount = Mount { kind: "volume".to_owned(), ..Mount::default() };
    for field in fields(text)? {
        set(&mut mount, &field)?;
    }
    check(&mount)?;
    Ok(mount)
}

fn bad<T>(words: String) -> Parsed<T> {
    Err(BadValue(words))
}

fn check(mount: &Mount) -> Parsed<()> {
    if mount.kind.is_empty() {
        return bad("type is required".to_owned());
    }
    if mount.target.is_empty() {
        return bad("target is required".to_owned());
    }
    let has = [
        ("volume", mount.volume_options.is_some()),
        ("bind", mount.bind_options.is_some()),
        ("tmpfs", mount.tmpfs_options.is_some()),
    ];
    match has.into_iter().find(|(kind, has)| *has && *kind != mount.kind) {
        Some((kind, _)) => bad(format!("cannot mix '{kind}-*' options with mount type '{}'", mount.kind)),
        None => Ok(()),
    }
}

fn set(mount: &mut Mount, field: &str) -> Parsed<()> {
    let (key, value) = match field.split_once('=') {
        Some((key, value)) => (key.to_lowercase(), value),
        None => {
            match field.to_lowercase().as_str() {
                "readonly" | "ro" => mount.read_only = true,
                "volume-nocopy" => of_volume(mount).no_copy = true,
                "bind-nonrecursive" => of_bind(mount).non_recursive = true,
                _ => return bad(format!("invalid field '{field}' must be a key=value pair")),
            }
            return Ok(());
        }
    };
    let invalid = || BadValue(format!("invalid value for {key}: {value}"));
    let yes = || truth(value).ok_or_else(invalid);
    match key.as_str() {
        "type" => mount.kind = value.to_lowercase(),
        "source" | "src" => value.clone_into(&mut mount.source),
        "target" | "dst" | "destination" => value.clone_into(&mut mount.target),
        "readonly" | "ro" => mount.read_only = yes()?,
        "consistency" => mount.consistency = value.to_lowercase(),
        "bind-propagation" => of_bind(mount).propagation = value.to_lowercase(),
        "bind-nonrecursive" => of_bind(mount).non_recursive = yes()?,
        "volume-nocopy" => of_volume(mount).no_copy = yes()?,
        "volume-label" => put(of_volume(mount).labels.get_or_insert_default(), value),
        "volume-driver" => value.clone_into(&mut of_driver(mount).name),
        "volume-opt" => put(of_driver(mount).options.get_or_insert_default(), value),
        "tmpfs-size" => of_tmpfs(mount).size_bytes = base::units::ram_in_bytes(value).ok_or_else(invalid)?,
        "tmpfs-mode" => of_tmpfs(mount).mode = u32::from_str_radix(value, 8).map_err(|_| invalid())?,
        _ => return bad(format!("unexpected key '{key}' in '{field}'")),
    }
    Ok(())
}

fn of_bind(mount: &mut Mount) -> &mut BindOptions {
    mount.bind_options.get_or_insert_default()
}

fn of_tmpfs(mount: &mut Mount) -> &mut TmpfsOptions {
    mount.tmpfs_options.get_or_insert_default()
}

/// The client sends an empty list of labels and an empty driver along.
fn of_volume(mount: &mut Mount) -> &mut VolumeOptions {
    mount.volume_options.get_or_insert_with(|| VolumeOptions {
        driver_config: Some(VolumeDriver::default()),
        ..VolumeOptions::default()
    })
}

fn of_driver(mount: &mut Mount) -> &mut VolumeDriver {
    of_volume(mount).driver_config.get_or_insert_default()
}

fn put(map: &mut std::collections::BTreeMap<String, String>, pair: &str) {
    let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
    map.insert(key.to_owned(), value.to_owned());
}

/// As Go's `strconv.ParseBool`.
pub(crate) fn truth(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

/// One record of CSV: fields with a comma stand in double quotes, a double quote in them is doubled.
fn fields(text: &str) -> Parsed<Vec<String>> {
    let mut fields = Vec::new();
    let mut rest = text;
    loop {
        let Some(quoted) = rest.strip_prefix('"') else {
            let (field, after) = match rest.split_once(',') {
                Some((field, after)) => (field, Some(after)),
                None => (rest, None),
            };
            if field.contains('"') {
                return bad(format!(
                    "parse error on line 1, column {}: bare \" in non-quoted-field",
                    text.len() - rest.len() + field.find('"').unwrap_or(0) + 1
                ));
            }
            fields.push(field.to_owned());
            let Some(after) = after else { return Ok(fields) };
            rest = after;
            continue;
        };
        let mut field = String::new();
        let mut letters = quoted.char_indices().peekable();
        let end = loop {
            match letters.next() {
                None => {
                    return bad(format!(
                        "parse error on line 1, column {}: extraneous or missing \" in quoted-field",
                        text.len() + 1
                    ));
                }
                Some((_, '"')) if letters.next_if(|(_, next)| *next == '"').is_some() => field.push('"'),
                Some((at, '"')) => break at + 1,
                Some((_, letter)) => field.push(letter),
            }
        };
        fields.push(field);
        rest = match quoted[end..].strip_prefix(',') {
            Some(after) => after,
            None if quoted.len() == end => return Ok(fields),
            None => return bad("parse error on line 1: extraneous or missing \" in quoted-field".to_owned()),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mount_has_a_kind_a_source_and_a_target() {
        let found = mount("type=bind,src=/a,dst=/b,ro,bind-propagation=rslave").expect("a mount");
        assert_eq!((found.kind.as_str(), found.source.as_str(), found.target.as_str()), ("bind", "/a", "/b"));
        assert!(found.read_only && found.bind_options.is_some_and(|options| options.propagation == "rslave"));
        let found = mount("target=/v,\"volume-opt=o=size=1m,ro\",volume-label=a=b").expect("a mount");
        let options = found.volume_options.expect("options");
        assert_eq!(options.driver_config.and_then(|driver| driver.options?.remove("o")).as_deref(), Some("size=1m,ro"));
        let found = mount("type=tmpfs,target=/t,tmpfs-size=1m,tmpfs-mode=1770").expect("a mount");
        assert_eq!(found.tmpfs_options.map(|options| (options.size_bytes, options.mode)), Some((1 << 20, 0o1770)));
    }

    #[test]
    fn what_means_nothing_is_refused_in_dockers_words() {
        let words = |text| mount(text).expect_err(text).0;
        assert_eq!(words("type=bind,src=/a"), "target is required");
        assert_eq!(words("bogus"), "invalid field 'bogus' must be a key=value pair");
        assert_eq!(words("bogus=1,target=/x"), "unexpected key 'bogus' in 'bogus=1'");
        assert_eq!(words("target=/x,ro=maybe"), "invalid value for ro: maybe");
        assert_eq!(words("target=/x,tmpfs-size=1"), "cannot mix 'tmpfs-*' options with mount type 'volume'");
    }
}
