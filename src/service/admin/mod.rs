//! The operators' HTTP port: is it alive, is it ready, what do its keys look like, what has it counted.
//!
//! Says nothing about requests or tokens, and changes nothing. A `listener` bounds the number of connections, and each
//! `connection` what it may take.

mod connection;
mod listener;
mod metrics_format;

use std::{fmt::Write as _, future::Future, io, pin::Pin, sync::Arc, time::Duration};

use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::IntoResponse,
    routing::get,
};
use serde_json::json;
use tokio::net::TcpListener;

use crate::{build_info, keystore::store::IssuerStatus};
pub use metrics_format::MetricsFormat;

/// A thread that shows no sign of life.
#[derive(Clone, Debug)]
pub struct SilentThread {
    /// The name of the thread.
    pub thread: String,
    /// The time since its last sign of life.
    pub silence: Duration,
}

/// The answer to the question which threads show no sign of life, once it is there.
pub type SilentThreads = Pin<Box<dyn Future<Output = Vec<SilentThread>> + Send>>;

/// The readiness of the service.
#[derive(Clone, Debug)]
pub struct Ready {
    /// The service is ready: it was once, and does not stop.
    pub is_ready: bool,
    /// The service has begun to stop.
    pub is_stopping: bool,
    /// The rule that decides, as the configuration calls it.
    pub rule: &'static str,
    /// The issuers that are waited for. None once the service was ready.
    pub waits_for: Vec<AwaitedIssuer>,
}

/// An issuer that is waited for.
#[derive(Clone, Debug, serde::Serialize)]
pub struct AwaitedIssuer {
    /// The name of the issuer.
    pub issuer: String,
    /// The reason for which it has no keys.
    pub why: String,
}

/// The contents of the pages, and the number of connections that may read them.
#[derive(Clone)]
pub struct Admin {
    /// The number of connections that may be open at once.
    pub max_connections: usize,
    /// Hears how many connections are open, each time that their number changes.
    pub open_connections: Arc<dyn Fn(usize) + Send + Sync>,
    /// How the keys are.
    pub keys: Arc<dyn Fn() -> Vec<IssuerStatus> + Send + Sync>,
    /// Asks the threads that answer Checks for a sign of life.
    pub silent_threads: Arc<dyn Fn() -> SilentThreads + Send + Sync>,
    /// How the configuration in force is, and how the last reload went.
    pub config: Arc<dyn Fn() -> serde_json::Value + Send + Sync>,
    /// Says whether the service is ready.
    pub ready: Arc<dyn Fn() -> Ready + Send + Sync>,
    /// Renders the metrics in a format.
    pub metrics: Arc<dyn Fn(MetricsFormat) -> String + Send + Sync>,
}

impl std::fmt::Debug for Admin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Admin(..)")
    }
}

/// Serves the pages until `stop`. `failed` hears of connections that could not be accepted.
pub async fn serve(admin: Admin, listener: TcpListener, stop: impl Future<Output = ()>, failed: impl Fn(&io::Error)) {
    let (most, opened) = (admin.max_connections, Arc::clone(&admin.open_connections));
    let pages = Router::new()
        .route("/healthz", get(health))
        .route("/readyz", get(ready))
        .route("/keys", get(keys))
        .route("/metrics", get(metrics))
        .with_state(admin);
    listener::serve(listener, most, &*opened, pages, stop, failed).await;
}

/// 200 unless a thread that answers Checks has shown no sign of life for [`crate::limits::HEARTBEAT_SILENCE`]: then only a
/// restart helps. Depends on nothing outside of the process.
async fn health(State(admin): State<Admin>) -> (StatusCode, String) {
    let silent = (admin.silent_threads)().await;
    if silent.is_empty() {
        return (StatusCode::OK, "ok\n".to_owned());
    }
    let mut page = String::new();
    for SilentThread { thread, silence } in silent {
        // Writing to a string does not fail.
        let _ = writeln!(page, "{thread}: no sign of life for {} s", silence.as_secs());
    }
    (StatusCode::SERVICE_UNAVAILABLE, page)
}

/// 200 once the service is ready, and until it stops. The body says what is waited for, which version and configuration it
/// is, and how each issuer is.
async fn ready(State(admin): State<Admin>) -> impl IntoResponse {
    let Ready { is_ready, is_stopping, rule, waits_for } = (admin.ready)();
    let issuers = (admin.keys)();
    let degraded: Vec<&str> =
        issuers.iter().filter(|issuer| issuer.keys == 0).map(|issuer| issuer.issuer.as_str()).collect();
    let status = if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let page = json!({
        "ready": is_ready,
        "stopping": is_stopping,
        "rule": rule,
        "waits_for": waits_for,
        "version": build_info::VERSION,
        "config": (admin.config)(),
        "issuers_without_keys": degraded,
        "issuers": issuers,
    });
    (status, Json(page))
}

async fn keys(State(admin): State<Admin>) -> impl IntoResponse {
    Json((admin.keys)())
}

async fn metrics(State(admin): State<Admin>, headers: HeaderMap) -> impl IntoResponse {
    let format = MetricsFormat::negotiate(&headers);
    // A cache must not give this answer to a client that accepts another format.
    let described = [(header::CONTENT_TYPE, format.content_type()), (header::VARY, "accept")];
    (described, (admin.metrics)(format))
}
