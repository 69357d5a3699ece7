//! Connections to a service on this machine.

use std::{
    fmt, io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::{Path, PathBuf},
};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, join, split},
    net::{TcpStream, UnixStream},
};

use crate::{
    config::{HealthAddress, ListenAddr},
    limits,
};

/// The address that is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// A TCP port, mostly on loopback.
    Tcp(SocketAddr),
    /// The path of a Unix socket.
    Unix(PathBuf),
}

impl Target {
    /// The address at which a service is called that listens there. `None` for port 0, which stands for any.
    pub(super) fn of(address: &HealthAddress) -> Option<Self> {
        let address = match address {
            HealthAddress::Admin(address) | HealthAddress::Grpc(ListenAddr::Tcp(address)) => *address,
            HealthAddress::Grpc(ListenAddr::Unix(socket)) => return Some(Self::Unix(socket.path.clone())),
        };
        (address.port() != 0).then(|| Self::Tcp(SocketAddr::new(callable(address.ip()), address.port())))
    }
}

/// Replaces an address that stands for all of this machine's by loopback.
fn callable(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        other => other,
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// Connects to a port.
///
/// # Errors
/// A sentence for people.
pub(super) async fn tcp(address: SocketAddr) -> Result<impl Stream, String> {
    let stream = TcpStream::connect(address).await.map_err(|error| describe(&error))?;
    Ok(bounded(stream))
}

/// Connects to a Unix socket.
///
/// # Errors
/// A sentence for people.
pub(super) async fn unix(path: &Path) -> Result<impl Stream, String> {
    let stream = UnixStream::connect(path).await.map_err(|error| describe(&error))?;
    Ok(bounded(stream))
}

/// A connection as it is asked over.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin + 'static {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin + 'static> Stream for S {}

/// A connection that ends after the bytes that an answer may have: reading from a stranger that never stops would keep the only
/// thread from looking at the time.
fn bounded(stream: impl Stream) -> impl Stream {
    let (read, write) = split(stream);
    join(read.take(limits::HEALTH_ANSWER_BYTES as u64 * 2), write)
}

fn describe(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "nothing listens there".to_owned(),
        io::ErrorKind::NotFound => "there is no such socket".to_owned(),
        io::ErrorKind::PermissionDenied => "this user may not connect to it".to_owned(),
        _ => format!("no connection: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_addresses_are_called_on_loopback() {
        for (listen, called) in [
            ("0.0.0.0:9192", Some("127.0.0.1:9192")),
            ("[::]:9192", Some("[::1]:9192")),
            ("[::ffff:0.0.0.0]:9192", Some("127.0.0.1:9192")),
            ("[::ffff:10.0.0.1]:9192", Some("10.0.0.1:9192")),
            ("127.0.0.1:9192", Some("127.0.0.1:9192")),
            ("[fd00::1]:9192", Some("[fd00::1]:9192")),
            ("127.0.0.1:0", None),
            ("[::]:0", None),
        ] {
            let target = Target::of(&HealthAddress::Admin(listen.parse().unwrap()));
            assert_eq!(target.map(|target| target.to_string()).as_deref(), called, "{listen}");
        }
    }
}
