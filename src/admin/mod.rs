//! The operators' HTTP port: is it alive, is it ready, what do its keys look like, what has it counted.
//!
//! Says nothing about requests or tokens, and changes nothing. A `listener` bounds the number of connections, and each
//! `connection` what it may take.

mod connection;
mod listener;
mod metrics_format;

use std::{
    fmt::Write as _,
    future::Future,
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::IntoResponse,
    routing::get,
};
use serde_json::json;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::jwks::key_store::IssuerStatus;
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
    /// The service was ready once: a reload that brings another issuer does not undo that.
    pub was_ready: Arc<AtomicBool>,
    /// Renders the metrics in a format.
    pub metrics: Arc<dyn Fn(MetricsFormat) -> String + Send + Sync>,
    /// Cancelled when the service begins to stop.
    pub stopping: CancellationToken,
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
    listener::serve(listener, (most, &*opened), pages, stop, failed).await;
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

/// 200 once every issuer has keys, or was asked for them in vain: an issuer that is down must not keep a new replica from
/// serving the others. From then on until it stops: what a reload brought is no reason to take every replica away at
/// once. The body says how each issuer is, and the configuration.
async fn ready(State(admin): State<Admin>) -> impl IntoResponse {
    let issuers = (admin.keys)();
    if issuers.iter().all(|issuer| issuer.settled) {
        admin.was_ready.store(true, Ordering::Relaxed);
    }
    let is_ready = admin.was_ready.load(Ordering::Relaxed) && !admin.stopping.is_cancelled();
    let degraded: Vec<&str> =
        issuers.iter().filter(|issuer| issuer.keys == 0).map(|issuer| issuer.issuer.as_str()).collect();
    let status = if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let config = (admin.config)();
    let page = json!({ "ready": is_ready, "config": config, "issuers_without_keys": degraded, "issuers": issuers });
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
