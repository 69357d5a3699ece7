//! The addresses on which the service listens.

use std::net::SocketAddr;

use super::socket::UnixSocket;

/// Where to listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listen {
    /// For Envoy.
    pub grpc: ListenAddr,
    /// For operators; `None` if switched off.
    pub admin: Option<SocketAddr>,
    /// The number of gRPC connections that may be open at once, as far as file descriptors allow.
    pub max_connections: usize,
}

/// A TCP address or a Unix socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListenAddr {
    /// `host:port`.
    Tcp(SocketAddr),
    /// `unix:/path`.
    Unix(UnixSocket),
}
