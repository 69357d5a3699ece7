//! The servers: gRPC for Envoy, and pages for operators.

use std::sync::{Arc, atomic::AtomicBool};

use tokio::{net::TcpListener, task::JoinSet, time::Instant};
use tokio_util::sync::CancellationToken;

use super::{
    error::{ServeError, part},
    status::ConfigStatus,
};
use crate::{
    admin::{self, Admin},
    ext_authz::{
        server::{GrpcServer, Listener},
        service::Current,
    },
    telemetry::metrics::Metrics,
};

/// Starts both, until `stop`.
pub(super) fn start(
    grpc: Listener,
    admin: Option<TcpListener>,
    server: GrpcServer,
    pages: Admin,
    stop: &CancellationToken,
) -> JoinSet<Result<(), ServeError>> {
    let mut servers = JoinSet::new();
    let stopped = stop.clone().cancelled_owned();
    servers.spawn(async move { part("gRPC server", server.serve(grpc, stopped).await) });
    if let Some(listener) = admin {
        let stopped = stop.clone().cancelled_owned();
        servers.spawn(async move { part("admin server", admin::serve(pages, listener, stopped).await) });
    }
    servers
}

/// What the admin port shows.
pub(super) fn pages(
    current: &Arc<Current>,
    status: &Arc<ConfigStatus>,
    metrics: &Arc<Metrics>,
    was_ready: Arc<AtomicBool>,
    stopping: CancellationToken,
) -> Admin {
    let (current, status, metrics) = (Arc::clone(current), Arc::clone(status), Arc::clone(metrics));
    Admin {
        keys: Arc::new(move || current.load().keys.status(Instant::now())),
        config: Arc::new(move || status.to_json()),
        metrics: Arc::new(move || metrics.to_text()),
        was_ready,
        stopping,
    }
}
