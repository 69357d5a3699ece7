//! The addresses on which the service listens.

use std::net::SocketAddr;

use super::socket::UnixSocket;

/// The addresses to listen on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listen {
    /// The address for Envoy.
    pub grpc: ListenAddr,
    /// For operators; `None` if switched off.
    pub admin: Option<SocketAddr>,
    /// The number of gRPC connections that may be open at once, as far as file descriptors allow.
    pub max_connections: usize,
}

/// A TCP address or a Unix socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListenAddr {
    /// A TCP address, `host:port`.
    Tcp(SocketAddr),
    /// A Unix socket, `unix:/path`.
    Unix(UnixSocket),
}
