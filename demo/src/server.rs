//! One HTTP listener of the demo, from start to stop. What it answers is the router's business.

use std::net::SocketAddr;

use axum::Router;
use tokio::{net::TcpListener, task::JoinSet};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::error::DemoError;
use crate::limits;

/// A server that runs until it is shut down or dropped.
#[derive(Debug)]
pub(super) struct Server {
    addr: SocketAddr,
    stop: DropGuard,
    tasks: JoinSet<()>,
}

impl Server {
    /// Serves `router` on `listener`, in a task of its own.
    ///
    /// # Errors
    /// When the listener's address can't be read.
    pub(super) fn start(listener: TcpListener, router: Router) -> Result<Self, DemoError> {
        let addr = listener.local_addr().map_err(DemoError::Listener)?;
        let stop = CancellationToken::new();
        let stopped = stop.clone().cancelled_owned();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            // axum's accept loop handles its own errors and has none to give back.
            axum::serve(listener, router).with_graceful_shutdown(stopped).await.unwrap_or_default();
        });
        Ok(Self { addr, stop: stop.drop_guard(), tasks })
    }

    /// Where it listens.
    pub(super) const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Stops: no new connection, idle ones closed, answers in flight finished within a bound.
    pub(super) async fn shutdown(mut self) {
        drop(self.stop);
        if tokio::time::timeout(limits::STOP, self.tasks.join_next()).await.is_err() {
            self.tasks.shutdown().await;
        }
    }
}
