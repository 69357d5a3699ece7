//! A listener that can refuse connections for a while and come back under the same address.

use std::net::SocketAddr;

use axum::Router;
use tokio::{
    net::{TcpListener, TcpSocket},
    sync::Mutex,
};

use super::{error::DemoError, server::Server};

/// Connections that may wait to be accepted, as the standard library has it.
const BACKLOG: u32 = 1024;

/// A server with an address of its own, open or closed.
#[derive(Debug)]
pub(super) struct Endpoint {
    addr: SocketAddr,
    router: Router,
    door: Mutex<Door>,
}

#[derive(Debug)]
enum Door {
    Open(Server),
    /// Bound and not listening: connections are refused, and the system gives the port to nobody who asks for any.
    Closed(TcpSocket),
    /// Between the two, or after an error.
    Neither,
}

impl Endpoint {
    /// Serves `router` on `listener`.
    ///
    /// # Errors
    /// When the listener's address can't be read.
    pub(super) fn open(listener: TcpListener, router: Router) -> Result<Self, DemoError> {
        let server = Server::start(listener, router.clone())?;
        Ok(Self { addr: server.addr(), router, door: Mutex::new(Door::Open(server)) })
    }

    /// Where it listens, when it does.
    pub(super) const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Refuses connections from now on, after closing those that are open.
    ///
    /// # Errors
    /// When somebody else was quicker to take the address.
    pub(super) async fn close(&self) -> Result<(), DemoError> {
        let mut door = self.door.lock().await;
        if matches!(*door, Door::Closed(_)) {
            return Ok(());
        }
        if let Door::Open(server) = std::mem::replace(&mut *door, Door::Neither) {
            server.shutdown().await;
        }
        *door = Door::Closed(self.bound()?);
        Ok(())
    }

    /// Accepts connections again.
    ///
    /// # Errors
    /// When the address is no longer to be had.
    pub(super) async fn reopen(&self) -> Result<(), DemoError> {
        let mut door = self.door.lock().await;
        let socket = match std::mem::replace(&mut *door, Door::Neither) {
            open @ Door::Open(_) => {
                *door = open;
                return Ok(());
            }
            Door::Closed(socket) => socket,
            Door::Neither => self.bound()?,
        };
        let listener = socket.listen(BACKLOG).map_err(|source| DemoError::Bind { addr: self.addr, source })?;
        *door = Door::Open(Server::start(listener, self.router.clone())?);
        Ok(())
    }

    /// Stops for good.
    pub(super) async fn shutdown(self) {
        if let Door::Open(server) = self.door.into_inner() {
            server.shutdown().await;
        }
    }

    fn bound(&self) -> Result<TcpSocket, DemoError> {
        let bind = || {
            let socket = if self.addr.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
            // Connections of the listener that was closed may still be around.
            socket.set_reuseaddr(true)?;
            socket.bind(self.addr)?;
            Ok(socket)
        };
        bind().map_err(|source| DemoError::Bind { addr: self.addr, source })
    }
}
