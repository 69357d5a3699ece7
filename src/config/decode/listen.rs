//! `listen`: where the service listens.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::{Bag, fields::Fields, read, socket};
use crate::{
    config::{Listen, ListenAddr, UnixSocket, error::Problem, lint::Lint, schema::LISTEN},
    document::{
        suggest::quoted,
        tree::{Entry, Node, Value},
    },
    limits,
};

const GRPC: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 9191);
const ADMIN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 9192);

/// The listeners; the default ones where nothing is written.
pub(super) fn decode(bag: &mut Bag, entry: Option<&Entry>) -> Option<Listen> {
    let Some(entry) = entry else {
        return Some(Listen { grpc: ListenAddr::Tcp(GRPC), admin: Some(ADMIN), max_connections: limits::CONNECTIONS });
    };
    let fields = Fields::read(bag, &entry.node, "`listen`", LISTEN)?;
    let grpc_entry = fields.get("grpc");
    let admin_entry = fields.get("admin");
    let grpc = grpc_entry.map_or(Some(ListenAddr::Tcp(GRPC)), |entry| grpc(bag, entry));
    let admin = admin_entry.map_or(Some(Some(ADMIN)), |entry| admin(bag, entry));
    let max_connections = fields
        .get("max_connections")
        .map_or(Some(limits::CONNECTIONS), |entry| read::count(bag, entry, &limits::CONNECTIONS_RANGE));
    let (grpc, admin) = (grpc?, admin?);
    if let (ListenAddr::Tcp(mine), Some(other)) = (&grpc, &admin)
        && mine == other
        && mine.port() != 0
        && let Some(entry) = admin_entry.or(grpc_entry)
    {
        let problem = Problem::error(&entry.node.place, format!("`grpc` and `admin` both listen on `{mine}`"));
        bag.push(problem.help("give one of them another port"));
        return None;
    }
    Some(Listen { grpc, admin, max_connections: max_connections? })
}

fn grpc(bag: &mut Bag, entry: &Entry) -> Option<ListenAddr> {
    match entry.node.value {
        Value::Section(_) => socket::decode(bag, entry),
        _ => grpc_address(bag, entry),
    }
}

/// The address that Envoy connects to.
pub(super) fn grpc_address(bag: &mut Bag, entry: &Entry) -> Option<ListenAddr> {
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

fn admin(bag: &mut Bag, entry: &Entry) -> Option<Option<SocketAddr>> {
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
