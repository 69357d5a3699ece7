//! Addresses to listen on.

use std::net::SocketAddr;

use super::{bag::Bag, read};
use crate::{
    config::{error::Problem, lint_catalogue::Lint, listen::ListenAddr, socket::UnixSocket},
    document::{
        suggest::quoted,
        tree::{Entry, Node},
    },
};

/// The address that Envoy connects to.
pub(super) fn grpc(bag: &mut Bag, entry: &Entry) -> Option<ListenAddr> {
    let text = read::text(bag, entry)?;
    let Some(path) = text.strip_prefix("unix:") else {
        let address = address(bag, entry, text, "write an address and a port, `127.0.0.1:9191`, or `unix:/path`")?;
        warn_if_open(bag, &entry.node, address, "anyone who reaches it can ask for decisions, in clear text");
        return Some(ListenAddr::Tcp(address));
    };
    if !path.starts_with('/') || path.ends_with('/') {
        let message = format!("{} is not the place of a socket", quoted(text));
        bag.push(
            Problem::error(&entry.node.place, message).help("write an absolute path: `unix:/run/portcullis.sock`"),
        );
        return None;
    }
    Some(ListenAddr::Unix(UnixSocket::new(path)))
}

/// The address for operators; `None` inside if it is switched off.
pub(super) fn admin(bag: &mut Bag, entry: &Entry) -> Option<Option<SocketAddr>> {
    let text = read::text(bag, entry)?;
    if text == "off" {
        return Some(None);
    }
    let address = address(bag, entry, text, "write an address and a port, `127.0.0.1:9192`, or `off`")?;
    warn_if_open(bag, &entry.node, address, "anyone who reaches it can read metrics and key state");
    Some(Some(address))
}

fn address(bag: &mut Bag, entry: &Entry, text: &str, help: &str) -> Option<SocketAddr> {
    let (host, port) = text.rsplit_once(':').unwrap_or((text, ""));
    let numeric = if host == "localhost" { text.replacen("localhost", "127.0.0.1", 1) } else { text.to_owned() };
    if let Ok(address) = numeric.parse() {
        return Some(address);
    }
    let is_name = host.contains(|c: char| c.is_ascii_alphabetic()) && !host.contains(':');
    let (message, help) = if is_name && port.parse::<u16>().is_ok() {
        (
            format!("{} is a name, and only addresses can be listened on", quoted(host)),
            "write the address of the interface, `0.0.0.0` for all of them, or `localhost`",
        )
    } else {
        (format!("{} is not an address with a port", quoted(text)), help)
    };
    bag.push(Problem::error(&entry.node.place, message).help(help));
    None
}

fn warn_if_open(bag: &mut Bag, node: &Node, address: SocketAddr, why: &str) {
    if !address.ip().to_canonical().is_loopback() {
        let problem = Problem::warning(&node.place, format!("`{address}` is reachable from other machines: {why}"));
        bag.push(
            problem
                .lint(Lint::ReachableListener)
                .help("listen on loopback or a Unix socket, or let the network admit nobody but Envoy"),
        );
    }
}
