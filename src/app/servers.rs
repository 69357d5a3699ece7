//! The servers: gRPC for Envoy, and pages for operators.

use std::sync::{Arc, atomic::AtomicBool};

use tokio::{task::JoinSet, time::Instant};
use tokio_util::sync::CancellationToken;

use super::{
    error::{ServeError, part},
    listen::Listeners,
    status::ConfigStatus,
    workers::Workers,
};
use crate::{
    admin::{self, Admin},
    ext_authz::{server::GrpcServer, service::Current},
    telemetry::metrics::Metrics,
};

/// Starts both, until `stop`.
pub(super) fn start(
    listeners: Listeners,
    server: GrpcServer,
    pages: Admin,
    workers: Workers,
    stop: &CancellationToken,
) -> JoinSet<Result<(), ServeError>> {
    let mut servers = JoinSet::new();
    let (stopped, workers) = (stop.clone(), Arc::new(workers));
    servers.spawn(async move {
        tokio::select! {
            () = server.serve(listeners.grpc, Arc::clone(&workers) as _, stopped) => Ok(()),
            () = workers.lost() => part("gRPC server", Err("one of its threads did")),
        }
    });
    if let Some(listener) = listeners.admin {
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
