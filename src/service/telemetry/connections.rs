//! The metrics of gRPC connections.

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReasonLabels {
    reason: &'static str,
}

/// Connections by what has happened to them.
#[derive(Debug)]
pub struct ConnectionMetrics {
    accepted: Counter,
    refused: Counter,
    made_room: Counter,
    not_accepted: Counter,
    open: Gauge,
    limit: Gauge,
    failed: Family<ReasonLabels, Counter>,
}

impl ConnectionMetrics {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let (accepted, refused, made_room) = (Counter::default(), Counter::default(), Counter::default());
        let not_accepted = Counter::default();
        let (open, limit, failed) = (Gauge::default(), Gauge::default(), Family::default());
        registry.register("connections_accepted", "gRPC connections accepted and served", accepted.clone());
        let help = "gRPC connections closed at once: as many as may be were open, and none could be closed in time";
        registry.register("connections_refused", help, refused.clone());
        let help = "gRPC connections closed as the longest unused ones, because others needed their places";
        registry.register("connections_closed_for_room", help, made_room.clone());
        let help = "Failures to accept a gRPC connection, mostly for lack of file descriptors";
        registry.register("connections_accept_failures", help, not_accepted.clone());
        let help = "gRPC connections that ended with an error and lost what was in flight, by reason";
        registry.register("connections_closed_for_error", help, failed.clone());
        registry.register("connections_open", "gRPC connections open now", open.clone());
        registry.register("connections_limit", "gRPC connections that may be open at once", limit.clone());
        Self { accepted, refused, made_room, not_accepted, open, limit, failed }
    }

    /// Sets the limit, and makes a series for each reason for which a connection may end: they exist from the start.
    pub fn started(&self, limit: usize, reasons: &[&'static str]) {
        self.limit.set(i64::try_from(limit).unwrap_or(i64::MAX));
        for reason in reasons {
            let _ = self.failed.get_or_create(&ReasonLabels { reason });
        }
    }

    /// Counts a connection that was accepted.
    pub fn opened(&self) {
        self.accepted.inc();
        self.open.inc();
    }

    /// Counts that a connection is closed, for whatever reason.
    pub fn closed(&self) {
        self.open.dec();
    }

    /// Counts a connection that was closed at once.
    pub fn refused(&self) {
        self.refused.inc();
    }

    /// Counts a connection that was closed so that another one finds room.
    pub fn made_room(&self) {
        self.made_room.inc();
    }

    /// Counts a failure to accept a connection.
    pub fn not_accepted(&self) {
        self.not_accepted.inc();
    }

    /// Counts a connection that has ended with an error, for a reason of a closed list.
    pub fn failed(&self, reason: &'static str) {
        self.failed.get_or_create(&ReasonLabels { reason }).inc();
    }
}
