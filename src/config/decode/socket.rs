//! `listen.grpc` as a section: an address, and for a Unix socket who may connect.

use super::{address, bag::Bag, fields::Fields, read};
use crate::{
    config::{
        error::Problem,
        lint_catalogue::Lint,
        listen::ListenAddr,
        schema::SOCKET,
        socket::{InvalidMode, SocketAccess, SocketGroup, SocketMode, UnixSocket},
    },
    document::{
        suggest::quoted,
        tree::{Entry, Value},
    },
    limits,
};

const EXAMPLE: &str = "write it in quotes, in octal: `mode: \"0660\"` for owner and group";

pub(super) fn decode(bag: &mut Bag, entry: &Entry) -> Option<ListenAddr> {
    let fields = Fields::read(bag, &entry.node, "`grpc`", SOCKET)?;
    let address = fields.require(bag, "address", "`grpc`", "write `address: unix:/run/portcullis.sock`");
    let address = address.map(|entry| (entry, address::grpc(bag, entry)));
    let (mode, group) = (fields.get("mode"), fields.get("group"));
    let read_mode = mode.map_or(Some(None), |entry| self::mode(bag, entry).map(Some));
    let read_group = group.map_or(Some(None), |entry| self::group(bag, entry).map(Some));
    let (address, listen) = address?;
    let listen = listen?;
    match listen {
        ListenAddr::Tcp(_) => {
            // A variable that moves the service to a port has no use for what the file says of its socket.
            let is_overridden = |entry: &&Entry| address.node.is_from_variable() && !entry.node.is_from_variable();
            if let Some(entry) = [mode, group].into_iter().flatten().find(|entry| !is_overridden(entry)) {
                bag.push(for_sockets_only(entry, &listen));
                return None;
            }
            (!fields.is_faulty()).then_some(listen)
        }
        ListenAddr::Unix(socket) => {
            let (mode, group) = (read_mode?, read_group?);
            let is_restricted = mode.is_some() || group.is_some();
            // A group that may not connect would be there for nothing.
            let access = is_restricted.then(|| SocketAccess { mode: mode.unwrap_or(SocketMode::GROUP), group });
            Some(ListenAddr::Unix(UnixSocket { access, ..socket }))
        }
    }
}

fn for_sockets_only(entry: &Entry, address: &ListenAddr) -> Problem {
    let message = format!("`{}` is for Unix sockets, and `{address}` is an address with a port", entry.key);
    Problem::error(&entry.place, message).help("remove it, or listen on a socket: `address: unix:/run/portcullis.sock`")
}

fn mode(bag: &mut Bag, entry: &Entry) -> Option<SocketMode> {
    let node = &entry.node;
    let fail = |message: String, help: &str| Problem::error(&node.place, message).help(help);
    let text = match &node.value {
        Value::String(text) if text.is_empty() => read::text(bag, entry)?,
        // Where YAML readers differ: `0660` is the number 432 to some, and 660 is 01224 to all.
        Value::String(text) if node.plain && !node.is_from_variable() && octal(text).is_some() => {
            let message =
                format!("`mode` is {} without quotes, which other YAML readers take for a number", quoted(text));
            bag.push(fail(message, &format!("write `mode: \"{}\"`", text.trim_start_matches("0o"))));
            return None;
        }
        Value::String(text) => text,
        Value::Number(number) => {
            bag.push(fail(format!("`mode` must be a string in octal, not the number `{number}`"), EXAMPLE));
            return None;
        }
        other => {
            bag.push(fail(format!("`mode` must be a string in octal, not {other}"), EXAMPLE));
            return None;
        }
    };
    let Some(bits) = octal(text) else {
        bag.push(fail(format!("{} is not a mode in octal", quoted(text)), EXAMPLE));
        return None;
    };
    let mode = match SocketMode::new(bits) {
        Ok(mode) => mode,
        Err(InvalidMode::Bits) => {
            let message = format!("{} has more than the permissions of owner, group and others", quoted(text));
            bag.push(fail(message, "write three digits after a zero: `mode: \"0660\"`"));
            return None;
        }
        Err(InvalidMode::Owner) => {
            let message = format!(
                "{} does not let Portcullis itself connect, which it does at a start to find out whether an old socket is \
                 still in use",
                quoted(text)
            );
            bag.push(fail(message, "to connect takes write permission: write `mode: \"0660\"` for owner and group"));
            return None;
        }
    };
    if mode.admits_everybody() {
        let message = format!("{} lets every user of this machine connect and ask for decisions", quoted(text));
        let problem = Problem::warning(&node.place, message).lint(Lint::ReachableListener);
        bag.push(problem.help("write `mode: \"0660\"`, and in `group` the group that Envoy runs in"));
    }
    Some(mode)
}

/// The number of three octal digits, or four: `660`, `0660`, `0o660`.
fn octal(text: &str) -> Option<u32> {
    let (digits, most) = text.strip_prefix("0o").map_or((text, 4), |digits| (digits, 3));
    let is_octal = digits.bytes().all(|b| (b'0'..=b'7').contains(&b));
    (is_octal && (3..=most).contains(&digits.len())).then(|| u32::from_str_radix(digits, 8).ok()).flatten()
}

fn group(bag: &mut Bag, entry: &Entry) -> Option<SocketGroup> {
    let node = &entry.node;
    let id = match &node.value {
        Value::Number(number) => Some(number.as_u64().and_then(|id| u32::try_from(id).ok())),
        Value::String(text) if text.bytes().all(|b| b.is_ascii_digit()) && !text.is_empty() => Some(text.parse().ok()),
        _ => None,
    };
    match id {
        // The last number means "no change" to the system.
        Some(Some(id)) if id != u32::MAX => return Some(SocketGroup::Id(id)),
        Some(_) => {
            let message = format!("`group` must be a name or a number from 0 to {}", u32::MAX - 1);
            bag.push(Problem::error(&node.place, message));
            return None;
        }
        None => {}
    }
    let name = read::text(bag, entry)?;
    // The lines of /etc/group have their fields between colons.
    if name.len() > limits::GROUP_NAME_BYTES || name.contains(|c: char| c == ':' || c.is_control() || c.is_whitespace())
    {
        let problem = Problem::error(&node.place, format!("{} can't be the name of a group", quoted(name)));
        bag.push(problem.help("write a name as it stands in /etc/group, or its number"));
        return None;
    }
    Some(SocketGroup::Name(name.to_owned()))
}
