//! `listen`: where the service listens.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::{address, bag::Bag, fields::Fields, read, socket};
use crate::{
    config::{
        error::Problem,
        listen::{Listen, ListenAddr},
        schema::LISTEN,
    },
    document::tree::{Entry, Value},
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
    let admin = admin_entry.map_or(Some(Some(ADMIN)), |entry| address::admin(bag, entry));
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
        _ => address::grpc(bag, entry),
    }
}
