//! Groups of users, from `/etc/group`. Groups that the system knows from elsewhere (LDAP) have to be written as numbers.

use std::{io, path::Path};

use crate::{config::SocketGroup, files, limits};

const GROUPS: &str = "/etc/group";

/// Returns the number of a group.
pub(super) fn id(group: &SocketGroup) -> io::Result<u32> {
    let name = match group {
        SocketGroup::Id(id) => return Ok(*id),
        SocketGroup::Name(name) => name,
    };
    let groups = files::read(Path::new(GROUPS), limits::GROUP_FILE_BYTES);
    let groups = groups.map_err(|error| io::Error::other(format!("`{GROUPS}` can't be read: {error}")))?;
    find(&groups, name).ok_or_else(|| {
        io::Error::other(format!("`{GROUPS}` has no group `{name}`: create it, or write the group's number"))
    })
}

/// Finds a group's number in lines of `name:password:number:members`.
fn find(groups: &[u8], name: &str) -> Option<u32> {
    groups.split(|b| *b == b'\n').find_map(|line| {
        let mut fields = line.split(|b| *b == b':');
        if fields.next() != Some(name.as_bytes()) {
            return None;
        }
        // The highest number stands for "no change" in the system's calls.
        std::str::from_utf8(fields.nth(1)?).ok()?.parse().ok().filter(|id| *id != u32::MAX)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_found_by_its_whole_name() {
        let groups = b"# a comment\nroot:x:0:\nenvoyers:x:7:\n\xff:x:8:\nenvoy:x:101:a,b\nbroken:x:\nnobody:x:4294967294:\nnone:x:4294967295:\nenvoy:x:9:";
        for (name, id) in
            [("root", Some(0)), ("envoy", Some(101)), ("nobody", Some(4_294_967_294)), ("broken", None), ("none", None)]
        {
            assert_eq!(find(groups, name), id, "{name}");
        }
        for name in ["env", "x", "", "a", "envoy:x", "ENVOY"] {
            assert_eq!(find(groups, name), None, "{name}");
        }
        assert_eq!(find(b"", "root"), None);
    }

    #[test]
    fn a_number_is_itself_and_an_unknown_name_is_said() {
        assert_eq!(id(&SocketGroup::Id(12345)).unwrap(), 12345);
        let error = id(&SocketGroup::Name("no-such-group".to_owned())).unwrap_err().to_string();
        assert_eq!(error, "`/etc/group` has no group `no-such-group`: create it, or write the group's number");
    }
}
