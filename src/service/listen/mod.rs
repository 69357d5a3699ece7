//! Binding: every address before anything starts, so that a port in use is an error and not half a service.

pub mod descriptors;
mod unix_socket;
mod user_group;

use std::{fmt, io, net::SocketAddr};

use tokio::net::TcpListener;

use crate::{
    config::{Listen, ListenAddr},
    ext_authz::transport::server::Listener,
    limits,
    service::telemetry::events,
};

/// An address that can't be bound.
#[derive(Debug, thiserror::Error)]
#[error("can't listen on `{address}` (`{field}`, `{}`): {}", variable(field), why(cause, address.starts_with("unix:")))]
pub struct BindError {
    field: &'static str,
    address: String,
    cause: io::Error,
}

/// The variable that overrides a field.
fn variable(field: &str) -> String {
    format!("PORTCULLIS_{}", field.replace('.', "__").to_uppercase())
}

fn why(cause: &io::Error, is_unix: bool) -> String {
    match cause.kind() {
        io::ErrorKind::AddrInUse if is_unix => {
            "another process listens there: stop it, or choose another path".to_owned()
        }
        io::ErrorKind::AddrInUse => "another process listens there: stop it, or choose another port".to_owned(),
        io::ErrorKind::PermissionDenied if is_unix => {
            "the user that Portcullis runs as may not write to the socket's directory".to_owned()
        }
        io::ErrorKind::PermissionDenied => "ports below 1024 need permission".to_owned(),
        io::ErrorKind::NotFound if is_unix => "the socket's directory does not exist: make it".to_owned(),
        io::ErrorKind::AddrNotAvailable => "this machine has no such address".to_owned(),
        _ => cause.to_string(),
    }
}

/// Bound listeners.
pub(super) struct Listeners {
    pub(super) grpc: Listener,
    pub(super) admin: Option<TcpListener>,
    pub(super) bound: Bound,
}

/// Where a service listens, with the ports that the system chose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bound {
    /// For Envoy.
    pub grpc: ListenAddr,
    /// For operators.
    pub admin: Option<SocketAddr>,
}

impl fmt::Display for ListenAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(socket) => write!(f, "unix:{}", socket.path.display()),
        }
    }
}

/// Returns the number of gRPC connections that may be open: as configured, but at most three quarters of the file
/// descriptors. The rest of them is kept free for the admin port and key fetches.
pub(super) fn max_connections(configured: usize, descriptors: usize) -> usize {
    let (part, whole) = limits::CONNECTIONS_SHARE;
    let allowed = (descriptors / whole).saturating_mul(part).max(1);
    // The default is what it is; who asked for a number is told if it can't be had.
    if configured > allowed && configured != limits::CONNECTIONS {
        events::connections_limited(configured, allowed, descriptors);
    }
    configured.min(allowed)
}

/// Returns the number of connections to the admin port that may be open: fewer where file descriptors are few, so that gRPC
/// connections and these together leave some for key fetches.
pub(super) fn admin_connections(descriptors: usize) -> usize {
    (descriptors / limits::ADMIN_CONNECTIONS_SHARE).clamp(1, limits::ADMIN_CONNECTIONS)
}

pub(super) async fn bind(listen: &Listen) -> Result<Listeners, BindError> {
    let (grpc, grpc_bound) = match &listen.grpc {
        ListenAddr::Tcp(address) => {
            let listener = bind_tcp("listen.grpc", *address).await?;
            let bound = listener.local_addr().unwrap_or(*address);
            (Listener::Tcp(listener), ListenAddr::Tcp(bound))
        }
        ListenAddr::Unix(socket) => {
            let failed = |cause| BindError { field: "listen.grpc", address: listen.grpc.to_string(), cause };
            (Listener::Unix(unix_socket::bind(socket).await.map_err(failed)?), listen.grpc.clone())
        }
    };
    let admin = match listen.admin {
        Some(address) => Some(bind_tcp("listen.admin", address).await?),
        None => None,
    };
    let admin_bound = admin.as_ref().and_then(|listener| listener.local_addr().ok());
    Ok(Listeners { grpc, admin, bound: Bound { grpc: grpc_bound, admin: admin_bound } })
}

async fn bind_tcp(field: &'static str, address: SocketAddr) -> Result<TcpListener, BindError> {
    TcpListener::bind(address).await.map_err(|cause| BindError { field, address: address.to_string(), cause })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quarter_of_the_file_descriptors_is_kept_free() {
        assert_eq!(max_connections(limits::CONNECTIONS, 256), 192);
        assert_eq!(max_connections(limits::CONNECTIONS, 1_048_576), 16_000);
        assert_eq!(max_connections(limits::CONNECTIONS, usize::MAX), 16_000);
        assert_eq!(max_connections(20_000, 1_048_576), 20_000);
        assert_eq!(max_connections(20_000, 1024), 768);
        assert_eq!(max_connections(100, 1024), 100);
        assert_eq!(max_connections(100, 0), 1);
    }

    #[test]
    fn the_admin_port_takes_few_of_few_file_descriptors() {
        assert_eq!(admin_connections(256), 8);
        assert_eq!(admin_connections(2048), 64);
        assert_eq!(admin_connections(usize::MAX), 64);
        assert_eq!(admin_connections(0), 1);
    }

    #[tokio::test]
    async fn a_port_in_use_is_named_with_what_to_do() {
        let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = taken.local_addr().unwrap();
        let error = bind_tcp("listen.grpc", address).await.unwrap_err().to_string();
        assert!(error.contains(&address.to_string()) && error.contains("listen.grpc"), "{error}");
        assert!(error.contains("another process"), "{error}");
        assert_eq!(why(&io::ErrorKind::PermissionDenied.into(), false), "ports below 1024 need permission");
        let of_socket = why(&io::ErrorKind::PermissionDenied.into(), true);
        assert_eq!(of_socket, "the user that Portcullis runs as may not write to the socket's directory");
    }
}
