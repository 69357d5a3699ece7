//! The servers: gRPC for Envoy, and pages for operators.

use std::{io, pin::pin, sync::Arc};

use tokio::{net::TcpListener, task::JoinSet, time::Instant};
use tokio_util::sync::CancellationToken;

use super::{
    error::{ServeError, part},
    listen::{self, Listeners, descriptors},
    readiness::Readiness,
    reload::status::ConfigStatus,
    supervise::{Backoff, Panicked, caught},
    workers::{
        Workers,
        heartbeat::{Heartbeat, Patience, silent_threads},
    },
};
use crate::{
    ext_authz::{service::Current, transport::server::GrpcServer},
    limits,
    service::{
        admin::{self, Admin, MetricsFormat},
        telemetry::{classic_text, events, metrics::Metrics, throttle::Throttle},
    },
};

/// Starts both servers, until `stop`. The gRPC server's end is the end of the service; the admin server is started again, as the
/// service can decide without it.
pub(super) fn start(
    listeners: Listeners,
    server: GrpcServer,
    pages: Admin,
    workers: Workers,
    stop: &CancellationToken,
) -> Result<JoinSet<Result<(), ServeError>>, ServeError> {
    let mut servers = JoinSet::new();
    let (stopped, workers) = (stop.clone(), Arc::new(workers));
    servers.spawn(async move {
        tokio::select! {
            () = server.serve(listeners.grpc, Arc::clone(&workers) as _, stopped) => Ok(()),
            () = workers.lost() => part("gRPC server", Err("one of its threads did")),
        }
    });
    if let Some(listener) = listeners.admin {
        let (listener, stop) = (listener.into_std()?, stop.clone());
        servers.spawn(async move {
            keep_admin_running(pages, listener, stop).await;
            Ok(())
        });
    }
    Ok(servers)
}

/// Serves the pages until `stop`, again and again. The listener stays open in between: connections wait meanwhile.
async fn keep_admin_running(pages: Admin, listener: std::net::TcpListener, stop: CancellationToken) {
    let mut backoff = Backoff::new();
    loop {
        let mut serving = pin!(caught(serve_admin(pages.clone(), listener.try_clone(), stop.clone())));
        let ended = tokio::select! {
            biased;
            ended = &mut serving => ended,
            () = stop.cancelled() => {
                // Refused from here on, not left waiting.
                drop(listener);
                let _ = serving.await;
                return;
            }
        };
        // It ends before the stop is looked at here where no connection is open.
        if stop.is_cancelled() {
            return;
        }
        let cause = match ended {
            Ok(Ok(())) => "nobody asked it to".to_owned(),
            Ok(Err(error)) => error.to_string(),
            Err(Panicked) => "a bug".to_owned(),
        };
        let wait = backoff.after_end();
        events::admin_restarts(&cause, wait);
        if stop.run_until_cancelled(tokio::time::sleep(wait)).await.is_none() {
            return;
        }
    }
}

async fn serve_admin(
    pages: Admin,
    listener: io::Result<std::net::TcpListener>,
    stop: CancellationToken,
) -> io::Result<()> {
    let lines = Throttle::new(limits::CONNECTION_LINES);
    let not_accepted = |error: &io::Error| {
        if let Some(left_out) = lines.admit(Instant::now()) {
            events::accept_failed(error, left_out);
        }
    };
    admin::serve(pages, TcpListener::from_std(listener?)?, stop.cancelled_owned(), not_accepted).await;
    Ok(())
}

/// What the admin port shows.
pub(super) fn pages(
    current: &Arc<Current>,
    status: &Arc<ConfigStatus>,
    metrics: &Arc<Metrics>,
    workers: &Workers,
    readiness: Arc<Readiness>,
) -> Admin {
    let (current, status, metrics) = (Arc::clone(current), Arc::clone(status), Arc::clone(metrics));
    let heartbeats: Arc<[Heartbeat]> = workers.heartbeats().into();
    Admin {
        max_connections: listen::admin_connections(descriptors::limit()),
        silent_threads: Arc::new(move || {
            let heartbeats = Arc::clone(&heartbeats);
            Box::pin(async move { silent_threads(&heartbeats, Patience::default()).await })
        }),
        keys: Arc::new(move || current.load().keys.status(Instant::now())),
        config: Arc::new(move || status.to_json()),
        ready: Arc::new(move || readiness.look()),
        open_connections: {
            let metrics = Arc::clone(&metrics);
            Arc::new(move |open| metrics.admin_connections(open))
        },
        metrics: Arc::new(move |format| rendered(&metrics, format)),
    }
}

/// Renders the metrics in a format: both have the same series.
fn rendered(metrics: &Metrics, format: MetricsFormat) -> String {
    let text = metrics.to_text();
    match format {
        MetricsFormat::OpenMetrics => text,
        MetricsFormat::ClassicText => classic_text::from_open_metrics(&text),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;
    use crate::service::{admin::Ready, telemetry::metrics::Metrics};

    fn admin() -> Admin {
        Admin {
            max_connections: 1,
            open_connections: Arc::new(|_| ()),
            silent_threads: Arc::new(|| Box::pin(async { Vec::new() })),
            keys: Arc::new(Vec::new),
            config: Arc::new(serde_json::Value::default),
            metrics: Arc::new(|format| rendered(&Metrics::new(Arc::default(), Arc::default()), format)),
            ready: Arc::new(|| Ready { is_ready: true, is_stopping: false, rule: "keys", waits_for: Vec::new() }),
        }
    }

    #[tokio::test]
    async fn the_admin_server_is_started_again_and_ends_when_it_is_told_to() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, stop) = (listener.local_addr().unwrap(), CancellationToken::new());
        // The runtime panics at a listener that blocks, as at other bugs.
        let same = listener.try_clone().unwrap();
        let mut serving = JoinSet::new();
        serving.spawn(keep_admin_running(admin(), listener, stop.clone()));
        let mut client = tokio::net::TcpStream::connect(address).await.unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
        same.set_nonblocking(true).unwrap();
        drop(same);
        client.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("ok\n"), "{answer}");
        assert!(serving.try_join_next().is_none(), "it goes on");
        stop.cancel();
        tokio::time::timeout(Duration::from_secs(10), serving.join_next()).await.unwrap();
        assert!(tokio::net::TcpStream::connect(address).await.is_err(), "refused");
    }
}
