//! Tests of a service that has a bug: a thread that is stuck, a background task that panics.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    num::NonZeroUsize,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    time::Duration,
};

use portcullis::{
    clock::{Clock, SystemClock},
    config::{self, ListenAddr},
    ext_authz::transport::server::Workers as _,
    keystore::fetch::HttpFetchers,
    limits,
    service::{App, Drain, Outside, Pace, Reload, ServeError, Stopped, Workers, shutdown::Stop},
};
use portcullis_engine::time::UnixTime;
use tokio::{
    task::JoinHandle,
    time::{Instant, sleep},
};
use tokio_util::sync::CancellationToken;

use crate::support::{
    check::{Client, get},
    config, issuer,
};

/// A clock that panics once when it is told to.
#[derive(Default)]
struct Buggy(AtomicBool);

impl Clock for Buggy {
    fn now(&self) -> UnixTime {
        assert!(!self.0.swap(false, Ordering::SeqCst), "a bug");
        SystemClock.now()
    }
}

/// Asks once, as a signal would.
struct Asked(Option<CancellationToken>);

impl Stop for Asked {
    async fn asked(&mut self) -> &'static str {
        match &self.0 {
            Some(stop) => stop.cancelled().await,
            None => std::future::pending().await,
        }
        self.0 = None;
        "test"
    }
}

struct Service {
    grpc: SocketAddr,
    admin: SocketAddr,
    stop: CancellationToken,
    running: JoinHandle<Result<Stopped, ServeError>>,
}

impl Service {
    async fn start(path: &Path, clock: Arc<dyn Clock>, workers: Workers) -> Self {
        let env = BTreeMap::new();
        let loaded =
            config::load(Some(path), &env).unwrap_or_else(|problems| panic!("{}", problems.render(false, 100)));
        let reload = Reload { file: loaded.file, env, pace: Pace::default(), ..Reload::default() };
        let outside = Outside { clock, fetchers: Arc::new(HttpFetchers) };
        let app = App::start_reloading(loaded.config, outside, reload, workers).await.unwrap();
        let ListenAddr::Tcp(grpc) = app.bound.grpc else { panic!("{:?}", app.bound) };
        let (admin, stop) = (app.bound.admin.unwrap(), CancellationToken::new());
        let drain = Drain { notice: Duration::from_millis(50), deadline: Duration::from_secs(10) };
        #[expect(clippy::disallowed_methods, reason = "a test's task")]
        let running = tokio::spawn(app.run(Asked(Some(stop.clone())), drain));
        Self { grpc, admin, stop, running }
    }

    async fn page(&self, path: &str) -> (u16, String) {
        let answer = reqwest::get(format!("http://{}{path}", self.admin)).await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    async fn until_ready(&self) {
        while self.page("/readyz").await.0 != 200 {
            sleep(Duration::from_millis(20)).await;
        }
    }

    async fn stop(self) {
        self.stop.cancel();
        assert_eq!(self.running.await.unwrap().unwrap(), Stopped::Clean);
    }
}

fn write(dir: &tempfile::TempDir, text: &str) -> std::path::PathBuf {
    let path = dir.path().join("portcullis.yaml");
    // As careful users do: in one step.
    std::fs::write(dir.path().join("new"), text).unwrap();
    std::fs::rename(dir.path().join("new"), &path).unwrap();
    path
}

fn two_threads() -> Workers {
    Workers::threads(NonZeroUsize::new(2).unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn healthz_fails_when_a_deciding_thread_is_stuck_and_also_when_all_are() {
    let dir = tempfile::tempdir().unwrap();
    let path = write(&dir, &config("http://127.0.0.1:1/"));
    let workers = two_threads();
    let mut stuck = Vec::new();
    for _ in 0..2 {
        let (release, released) = mpsc::channel::<()>();
        // The threads take turns.
        workers.run(Box::pin(async move {
            let _ = released.recv();
        }));
        stuck.push(release);
    }
    let began = Instant::now();
    let service = Service::start(&path, Arc::new(SystemClock), workers).await;
    assert_eq!(service.page("/healthz").await, (200, "ok\n".to_owned()), "a moment is no failure");
    let page = loop {
        let (status, page) = service.page("/healthz").await;
        if status != 200 {
            assert_eq!(status, 503);
            break page;
        }
        assert!(began.elapsed() < limits::HEARTBEAT_SILENCE * 3, "it does not notice");
        sleep(Duration::from_millis(100)).await;
    };
    assert!(began.elapsed() >= limits::HEARTBEAT_SILENCE, "{:?}", began.elapsed());
    let lines: Vec<&str> = page.lines().collect();
    assert!(lines.len() == 2 && lines[0].starts_with("check-0: no sign of life for 1"), "{page}");
    assert!(lines[1].starts_with("check-1: no sign of life for 1"), "{page}");
    let (status, metrics) = service.page("/metrics").await;
    assert_eq!(status, 200, "and all other pages are there");
    for thread in ["check-0", "check-1"] {
        let series = format!("portcullis_thread_lag_seconds{{thread=\"{thread}\"}} ");
        let lag = metrics.lines().find_map(|line| line.strip_prefix(&series)).unwrap().parse::<f64>().unwrap();
        let least = limits::HEARTBEAT_SILENCE - limits::HEARTBEAT;
        assert!(lag >= least.as_secs_f64(), "the time since then, not that of the last sign of life: {lag}");
    }
    // The first one goes on.
    stuck.remove(0);
    let (status, page) = loop {
        let (status, page) = service.page("/healthz").await;
        if page.lines().count() == 1 {
            break (status, page);
        }
    };
    assert!(status == 503 && page.starts_with("check-1: "), "{page}");
    drop(stuck);
    while service.page("/healthz").await.0 != 200 {
        sleep(Duration::from_millis(20)).await;
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reloader_that_panics_is_started_again() {
    let issuer = issuer().await;
    let dir = tempfile::tempdir().unwrap();
    let path = write(&dir, &config(issuer.issuer()));
    let clock = Arc::new(Buggy::default());
    let service = Service::start(&path, Arc::clone(&clock) as _, two_threads()).await;
    service.until_ready().await;
    let client = Client::connect(service.grpc).await;
    assert_eq!(client.send(&get("/api/new")).await.status, 403);
    // The clock is asked at the end of a reload, and of a key refresher once in a minute.
    sleep(Duration::from_millis(500)).await;
    clock.0.store(true, Ordering::SeqCst);
    write(&dir, &config(issuer.issuer()).replace("/api/feed", "/api/fodder"));
    while clock.0.load(Ordering::SeqCst) {
        sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(client.send(&get("/api/public")).await.status, 200, "the service goes on");
    write(&dir, &config(issuer.issuer()).replace("/api/feed", "/api/new"));
    let began = Instant::now();
    while client.send(&get("/api/new")).await.status != 200 {
        assert!(began.elapsed() < Duration::from_secs(30), "no reload any more");
        sleep(Duration::from_millis(100)).await;
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_refresher_that_panics_is_started_again() {
    let issuer = issuer().await;
    let dir = tempfile::tempdir().unwrap();
    let path = write(&dir, &config(issuer.issuer()));
    let clock = Arc::new(Buggy::default());
    // At its start the refresher asks for the time.
    clock.0.store(true, Ordering::SeqCst);
    let text = std::fs::read_to_string(&path).unwrap();
    let (loaded, outside) = (
        config::parse(&text, "test.yaml", &BTreeMap::new()).unwrap_or_else(|_| panic!()).config,
        Outside { clock: Arc::clone(&clock) as _, fetchers: Arc::new(HttpFetchers) },
    );
    let keys = Arc::new(portcullis::keystore::store::KeyStore::new());
    let metrics = Arc::new(portcullis::service::telemetry::metrics::Metrics::new(Arc::clone(&keys), Arc::default()));
    let observer = Arc::new(portcullis::service::instrumentation::Observers::new(metrics));
    let mut refreshers = tokio::task::JoinSet::new();
    portcullis::service::keep_fresh(&mut refreshers, &loaded.issuers[0], &keys, &outside, None, observer).unwrap();
    keys.settled().await;
    let status = || keys.status(Instant::now()).remove(0);
    assert!(status().last_error.is_some() && status().keys == 0, "a failure for those who wait: {:?}", status());
    let began = Instant::now();
    while status().keys == 0 {
        assert!(began.elapsed() < Duration::from_secs(30), "no fetch any more");
        sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(status().last_error, None);
    assert!(refreshers.try_join_next().is_none(), "the same task goes on");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bug_in_a_decision_is_a_failure_that_is_counted() {
    let dir = tempfile::tempdir().unwrap();
    let path = write(&dir, &config("http://127.0.0.1:1/"));
    let clock = Arc::new(Buggy::default());
    let service = Service::start(&path, Arc::clone(&clock) as _, two_threads()).await;
    let client = Client::connect(service.grpc).await;
    assert_eq!(client.send(&get("/api/public")).await.status, 200);
    clock.0.store(true, Ordering::SeqCst);
    let got = client.send(&get("/api/public")).await;
    assert_eq!((got.status, got.reason.as_str()), (500, "internal"));
    assert_eq!(client.send(&get("/api/public")).await.status, 200, "that one alone");
    let (_, metrics) = service.page("/metrics").await;
    for line in [
        "portcullis_ext_authz_failures_total{code=\"internal\"} 1\n",
        "portcullis_ext_authz_checks_total{decision=\"deny\",code=\"internal\",rule=\"\"} 1\n",
    ] {
        assert!(metrics.contains(line), "{line} not in:\n{metrics}");
    }
    service.stop().await;
}
