//! The figures that metrics ask for at each scrape: what the threads, their queues and the key store do at the moment.

use std::sync::Arc;

use super::workers::Workers;
use crate::{
    ext_authz::{service::Current, transport::server::GrpcServer},
    service::telemetry::metrics::{LiveFigures, Metrics},
};

/// Lets the metrics read the figures of this server, its threads and the current engine.
pub(super) fn show(metrics: &Metrics, workers: &Workers, server: &GrpcServer, current: &Arc<Current>) {
    // The engine has the metrics, which must not keep it in turn.
    let (queues, current) = (server.queues(), Arc::downgrade(current));
    let threads = workers.heartbeats().iter().map(|heartbeat| heartbeat.lag()).collect();
    metrics.show(threads, move || {
        let Some(engine) = current.upgrade().map(|current| current.load_full()) else { return LiveFigures::default() };
        LiveFigures {
            checks_queued: queues.calls(),
            checks_in_work: engine.in_flight.len(),
            key_waiters: engine.keys.waiters(),
        }
    });
}
