//! `--user`: which uid, gid and groups a name means in a container's own passwd and group files.
//!
//! Read from the container's root as it is, symlinks staying inside; nothing of the image runs
//! for it. The rules and the sentences are dockerd's (moby 20.10, daemon/oci_linux.go `getUser`,
//! runc 1.1, libcontainer/user/user.go `GetExecUser`).

use std::io::Read;

/// Larger passwd and group files are read as far as this.
const MOST: u64 = 8 << 20;

/// The highest uid or gid that may be given as a number.
const MAX_ID: i64 = i32::MAX as i64;

/// Why a user cannot be looked up. The words are dockerd's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UserError {
    /// No such name in passwd.
    #[error("unable to find user {0}: no matching entries in passwd file")]
    NoUser(String),
    /// No such name in group.
    #[error("unable to find group {0}: no matching entries in group file")]
    NoGroup(String),
    /// No such name for `--group-add`.
    #[error("Unable to find group {0}")]
    NoAdditionalGroup(String),
    /// A number that is no id.
    #[error("uids and gids must be in range 0-2147483647")]
    Range,
}

/// Who a container's process is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct User {
    /// User id.
    pub uid: u32,
    /// Primary group.
    pub gid: u32,
    /// All groups: the primary one first, then those that list the user, then the added ones.
    pub groups: Vec<u32>,
    /// The home directory passwd names, `/` if it names none.
    pub home: String,
}

/// A container's passwd and group files; a missing one is empty.
#[derive(Debug, Clone, Default)]
pub struct Accounts {
    passwd: String,
    group: String,
}

impl Accounts {
    /// Reads both files in a container's root. As with dockerd, one that cannot be opened counts
    /// as empty.
    pub fn read(root: &sys::Dir) -> Self {
        Self { passwd: text(root, b"etc/passwd"), group: text(root, b"etc/group") }
    }

    /// Accounts from the texts of the two files.
    pub fn from_texts(passwd: &str, group: &str) -> Self {
        Self { passwd: passwd.to_owned(), group: group.to_owned() }
    }

    /// Who `user[:group]` is, with the groups of `--group-add`. An empty text is uid 0.
    ///
    /// # Errors
    /// [`UserError`] for a name that is not there and a number out of range.
    pub fn find(&self, spec: &str, group_add: &[String]) -> Result<User, UserError> {
        let (wanted_user, wanted_group) = spec.split_once(':').map_or((spec, ""), |(user, rest)| {
            // What follows a second colon is not looked at.
            (user, rest.split(':').next().unwrap_or(rest))
        });
        let entry = self.passwd_entry(wanted_user);
        let mut user = match &entry {
            Some(entry) => User { uid: id(entry.uid)?, gid: id(entry.gid)?, home: entry.home.clone(), groups: vec![] },
            None if wanted_user.is_empty() => User::default(),
            None => {
                let uid = number(wanted_user).ok_or_else(|| UserError::NoUser(wanted_user.to_owned()))?;
                User { uid: id(uid)?, ..User::default() }
            }
        };
        if user.home.is_empty() {
            user.home = "/".to_owned();
        }
        let mut listed = Vec::new();
        if !wanted_group.is_empty() {
            user.gid = id(self.group_id(wanted_group)?)?;
        } else if let Some(entry) = &entry {
            listed = self.groups().filter(|group| group.has(&entry.name)).map(|group| group.gid).collect();
        }
        user.groups.push(user.gid);
        for gid in listed {
            user.groups.push(id(gid)?);
        }
        // Each added group counts once, also when it is given twice.
        let mut added = Vec::new();
        for name in group_add {
            let gid = self.additional_group(name)?;
            if !added.contains(&gid) {
                added.push(gid);
            }
        }
        user.groups.append(&mut added);
        Ok(user)
    }

    /// A number is always an id, also when an account has that name.
    fn passwd_entry(&self, wanted: &str) -> Option<PasswdEntry> {
        let by_id = if wanted.is_empty() { Some(0) } else { number(wanted) };
        self.passwd.lines().filter_map(PasswdEntry::parse).find(|entry| match by_id {
            Some(id) => entry.uid == id,
            None => entry.name == wanted,
        })
    }

    fn groups(&self) -> impl Iterator<Item = GroupEntry<'_>> {
        self.group.lines().filter_map(GroupEntry::parse)
    }

    fn group_id(&self, wanted: &str) -> Result<i64, UserError> {
        let by_id = number(wanted);
        let found = self.groups().find(|group| match by_id {
            Some(id) => group.gid == id,
            None => group.name == wanted,
        });
        found.map(|group| group.gid).or(by_id).ok_or_else(|| UserError::NoGroup(wanted.to_owned()))
    }

    fn additional_group(&self, wanted: &str) -> Result<u32, UserError> {
        let found = self.groups().find(|group| group.name == wanted || group.gid.to_string() == wanted);
        let gid = found.map(|group| group.gid).or_else(|| number(wanted));
        id(gid.ok_or_else(|| UserError::NoAdditionalGroup(wanted.to_owned()))?)
    }
}

fn text(root: &sys::Dir, path: &[u8]) -> String {
    let mut bytes = Vec::new();
    if let Ok(file) = root.open_below(path) {
        // A file that breaks off in the middle counts as far as it goes.
        drop(file.take(MOST).read_to_end(&mut bytes));
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A number as Go's `Atoi` takes it.
fn number(text: &str) -> Option<i64> {
    text.parse().ok()
}

fn id(number: i64) -> Result<u32, UserError> {
    let in_range = (0..=MAX_ID).contains(&number);
    u32::try_from(number).ok().filter(|_| in_range).ok_or(UserError::Range)
}

struct PasswdEntry {
    name: String,
    uid: i64,
    gid: i64,
    home: String,
}

impl PasswdEntry {
    /// `name:password:uid:gid:gecos:home:shell`; what is missing is empty or 0.
    fn parse(line: &str) -> Option<Self> {
        let line = line.trim();
        let mut fields = line.split(':').map(str::to_owned);
        (!line.is_empty()).then(|| {
            let name = fields.next().unwrap_or_default();
            let mut next = |skip: usize| fields.nth(skip).unwrap_or_default();
            let (uid, gid) = (number(&next(1)).unwrap_or(0), number(&next(0)).unwrap_or(0));
            Self { name, uid, gid, home: next(1) }
        })
    }
}

struct GroupEntry<'a> {
    name: &'a str,
    gid: i64,
    members: &'a str,
}

impl<'a> GroupEntry<'a> {
    /// `name:password:gid:member,member`; what is missing is empty or 0.
    fn parse(line: &'a str) -> Option<Self> {
        let line = line.trim();
        let mut fields = line.split(':');
        (!line.is_empty()).then(|| {
            let name = fields.next().unwrap_or_default();
            let gid = fields.nth(1).and_then(number).unwrap_or(0);
            Self { name, gid, members: fields.next().unwrap_or_default() }
        })
    }

    fn has(&self, user: &str) -> bool {
        self.members.split(',').any(|member| member == user)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/sh\n\nbob:x:1000:1001:Bob:/home/bob:/bin/sh\n1234:x:7:7::/odd:\n";
    const GROUP: &str = "root:x:0:\nstaff:x:50:alice,bob\nbob:x:1001:\nextra:x:2000:bob\n";

    fn find(spec: &str) -> Result<User, UserError> {
        Accounts::from_texts(PASSWD, GROUP).find(spec, &[])
    }

    fn user(uid: u32, gid: u32, groups: &[u32], home: &str) -> Result<User, UserError> {
        Ok(User { uid, gid, groups: groups.to_vec(), home: home.to_owned() })
    }

    #[test]
    fn a_name_brings_its_group_its_groups_and_its_home() {
        assert_eq!(find("bob"), user(1000, 1001, &[1001, 50, 2000], "/home/bob"));
        assert_eq!(find(""), user(0, 0, &[0], "/root"));
    }

    #[test]
    fn a_number_is_an_id_even_if_an_account_is_called_so() {
        assert_eq!(find("1000"), user(1000, 1001, &[1001, 50, 2000], "/home/bob"));
        assert_eq!(find("1234"), user(1234, 0, &[0], "/"));
    }

    #[test]
    fn a_group_given_takes_the_place_of_all_others() {
        assert_eq!(find("bob:staff"), user(1000, 50, &[50], "/home/bob"));
        assert_eq!(find("bob:4711"), user(1000, 4711, &[4711], "/home/bob"));
        assert_eq!(find(":staff"), user(0, 50, &[50], "/root"));
    }

    #[test]
    fn what_is_not_there_is_said_in_dockerds_words() {
        let words = |spec| find(spec).expect_err(spec).to_string();
        assert_eq!(words("nosuch"), "unable to find user nosuch: no matching entries in passwd file");
        assert_eq!(words("bob:nogrp"), "unable to find group nogrp: no matching entries in group file");
        assert_eq!(words("5000000000"), "uids and gids must be in range 0-2147483647");
        assert_eq!(words("-1"), "uids and gids must be in range 0-2147483647");
    }

    #[test]
    fn without_files_numbers_still_mean_something() {
        let accounts = Accounts::default();
        assert_eq!(accounts.find("5:6", &[]), user(5, 6, &[6], "/"));
        assert_eq!(accounts.find("", &[]), user(0, 0, &[0], "/"));
        assert!(accounts.find("root", &[]).is_err());
    }

    #[test]
    fn added_groups_come_last() {
        let accounts = Accounts::from_texts(PASSWD, GROUP);
        let groups = |added: &[&str]| {
            let added: Vec<_> = added.iter().map(|name| (*name).to_owned()).collect();
            accounts.find("bob", &added).map(|user| user.groups)
        };
        assert_eq!(groups(&["root", "99"]), Ok(vec![1001, 50, 2000, 0, 99]));
        assert_eq!(groups(&["nosuch"]), Err(UserError::NoAdditionalGroup("nosuch".to_owned())));
    }
}
