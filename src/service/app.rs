//! The composition root: a configuration becomes a running service. Owns every listener and every task.

use std::{fmt, hash::RandomState, path::PathBuf, pin::pin, sync::Arc};

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use tokio::{sync::mpsc, task::JoinSet};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    drain::{Drain, Stopped},
    error::{ServeError, finished},
    figures,
    instrumentation::Observers,
    issuers::{Around, Issuers},
    keys_dir,
    listen::{self, Bound, descriptors},
    outside::Outside,
    readiness::{Readiness, awaited_text},
    reload::{
        reload_source::Reload,
        reloader::{self, Lasting, Refreshers, Reloader},
        status::ConfigStatus,
        watch,
    },
    servers,
    shutdown::Stop,
    supervise::keep_running,
    telemetry::{
        events::{self, Start},
        metrics::Metrics,
        rejected_calls,
    },
    workers::Workers,
};
use crate::{
    config::{Config, Listen},
    ext_authz::{
        response::Replies,
        service::{ConnectionFailure, Current, Engine},
        transport::server::{GrpcServer, Health, Queues},
    },
    keystore::store::KeyStore,
    limits,
};
use portcullis_engine::{authorizer::Authorizer, time::UnixTime, token_cache::cached_verifier::CachedVerifier};

/// A running service.
pub struct App {
    /// Where it listens, ports filled in.
    pub bound: Bound,
    servers: JoinSet<Result<(), ServeError>>,
    /// Kept until the end: they outlive the reloader.
    _refreshers: Refreshers,
    /// Watches the configuration, and loads it anew.
    reloading: JoinSet<()>,
    /// Says which denials were left out of the log.
    reporting: JoinSet<()>,
    observers: Arc<Observers>,
    current: Arc<Current>,
    health: Health,
    in_flight: TaskTracker,
    queues: Arc<Queues>,
    readiness: Arc<Readiness>,
    /// Cancelled after the time of notice: no new connections. Refreshers end last: a Check in flight may be waiting for one.
    stop_servers: CancellationToken,
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App").field("bound", &self.bound).finish_non_exhaustive()
    }
}

impl App {
    /// Binds, starts every task, and returns while keys are still being fetched. Health says NOT_SERVING until
    /// [`Self::run`] says otherwise. The configuration stays the one that it is, and all work is done on the runtime that this
    /// is called on.
    ///
    /// # Errors
    /// [`ServeError`]: an address in use, for example.
    pub async fn start(config: Config, outside: Outside) -> Result<Self, ServeError> {
        Self::start_reloading(config, outside, Reload::default(), Workers::here()).await
    }

    /// The same, with what makes it load the configuration anew, and with those who do the work.
    ///
    /// # Errors
    /// [`ServeError`]: an address in use, for example.
    pub async fn start_reloading(
        config: Config,
        outside: Outside,
        reload: Reload,
        workers: Workers,
    ) -> Result<Self, ServeError> {
        let max_connections = listen::max_connections(config.listen.max_connections, descriptors::limit());
        let listeners = listen::bind(&config.listen).await?;
        let bound = listeners.bound.clone();
        let keys = Arc::new(KeyStore::new());
        let rules = config.issuers.iter().map(|issuer| issuer.rules.clone());
        let verifier = CachedVerifier::new(rules, RandomState::new()).keeping(config.policy.asked_claims());
        let metrics = Arc::new(Metrics::new(Arc::clone(&keys), Arc::clone(verifier.cache())));
        let observers = Arc::new(Observers::new(Arc::clone(&metrics)));
        let saved = keys_dir::open(config.keys_dir.as_deref(), &observers).await?;
        let (mut tasks, observer) = (JoinSet::new(), Arc::clone(&observers) as _);
        let mut around = Around { tasks: &mut tasks, outside: &outside, observer };
        let issuers = Issuers::start(config.issuers, saved, Arc::clone(&keys), verifier.clone(), &mut around)?;
        let in_flight = TaskTracker::new();
        let engine = Engine {
            revision: reload.revision(),
            authorizer: Authorizer::new(config.policy, verifier),
            keys,
            replies: Replies::new(&config.identity),
            clock: Arc::clone(&outside.clock),
            observer: Arc::clone(&observers) as _,
            in_flight: in_flight.clone(),
        };
        let now = outside.clock.now();
        start_metrics(&metrics, &issuers, &engine.revision, now, max_connections);
        let status = Arc::new(ConfigStatus::started(&engine.revision, now));
        let current = Arc::new(ArcSwap::from_pointee(engine));
        let server = grpc_server(&current, (&metrics, &workers), max_connections).await?;
        let (health, queues) = (server.health(), server.queues());
        let stop_servers = CancellationToken::new();
        let readiness = Readiness::new(&current, config.ready);
        let pages = servers::pages(&current, &status, &metrics, &workers, Arc::clone(&readiness));
        let servers = servers::start(listeners, server, pages, workers, &stop_servers)?;
        let reporting = report(Arc::clone(&observers));
        let refreshers = Arc::new(Mutex::new(tasks));
        let lasting = Lasting {
            current: Arc::clone(&current),
            outside,
            observers: Arc::clone(&observers),
            metrics,
            status,
            refreshers: Arc::clone(&refreshers),
            readiness: Arc::clone(&readiness),
        };
        let reloading = reload_with(reload, lasting, issuers, config.listen, config.keys_dir);
        Ok(Self {
            bound,
            servers,
            _refreshers: refreshers,
            reloading,
            reporting,
            observers,
            current,
            health,
            in_flight,
            queues,
            readiness,
            stop_servers,
        })
    }

    /// Logs that the service listens: where, which version of which configuration, and what `/readyz` waits for.
    pub fn announce(&self) {
        let ready = self.readiness.look();
        events::listening(&Start {
            grpc: &self.bound.grpc.to_string(),
            admin: self.bound.admin,
            revision: &self.current.load().revision,
            ready_rule: ready.rule,
            waits_for: awaited_text(&ready).as_deref(),
        });
    }

    /// Runs until it is asked to stop, then drains. Asked once more, it stops at once.
    ///
    /// # Errors
    /// [`ServeError::Part`] if a server ended by itself: a service without one of its ports does not go on.
    pub async fn run(mut self, stop: impl Stop, drain: Drain) -> Result<Stopped, ServeError> {
        let stopped = self.serve_and_drain(stop, drain).await;
        self.reporting.abort_all();
        self.observers.report_last_left_out();
        stopped
    }

    async fn serve_and_drain(&mut self, mut stop: impl Stop, drain: Drain) -> Result<Stopped, ServeError> {
        let why = self.serve(&mut stop).await?;
        self.observers.stopping(why, drain.notice);
        self.readiness.stop();
        self.reloading.abort_all();
        self.health.set_serving(false).await;
        tokio::select! {
            () = tokio::time::sleep(drain.notice) => {}
            signal = stop.asked() => return Ok(self.cut_off(Some(signal))),
        }
        self.stop_servers.cancel();
        tokio::select! {
            () = tokio::time::sleep(drain.deadline) => Ok(self.cut_off(None)),
            signal = stop.asked() => Ok(self.cut_off(Some(signal))),
            drained = self.drained() => drained.map(|()| Stopped::Clean),
        }
    }

    /// The end of a service of which Checks that are in flight now get no answer.
    fn cut_off(&self, signal: Option<&'static str>) -> Stopped {
        let checks = self.in_flight.len().saturating_add(self.queues.calls());
        if checks == 0 { Stopped::Clean } else { Stopped::CutOff { checks, signal } }
    }

    /// Serves until it is asked to stop. gRPC health says SERVING once every issuer has keys, or was asked for them in
    /// vain: Checks that need no keys are answered while issuers are down. Readiness is apart from that.
    async fn serve(&mut self, stop: &mut impl Stop) -> Result<&'static str, ServeError> {
        // What a reload removes meanwhile is not waited for.
        let settled = self.current.load().keys.settled();
        let mut asked = pin!(settled);
        let readiness = Arc::clone(&self.readiness);
        let mut ready = pin!(readiness.reached());
        let (mut is_serving, mut is_ready) = (false, false);
        loop {
            tokio::select! {
                biased;
                why = stop.asked() => return Ok(why),
                Some(ended) = self.servers.join_next() => {
                    finished(ended)?;
                    return Err(ServeError::Part { part: "server", cause: "nobody asked it to".to_owned() });
                }
                // It never ends by itself. If it does, the active configuration stays.
                Some(Err(error)) = self.reloading.join_next() => events::part_failed("reloader", &error),
                () = &mut asked, if !is_serving => {
                    is_serving = true;
                    readiness.has_settled();
                    self.health.set_serving(true).await;
                    events::serving();
                    let ready = readiness.look();
                    awaited_text(&ready).iter().for_each(|awaited| events::not_ready(ready.rule, awaited));
                }
                () = &mut ready, if !is_ready => {
                    is_ready = true;
                    events::ready(readiness.look().rule);
                }
            }
        }
    }

    /// Returns when all is answered: the servers have ended, or what is still open are connections and streams without a
    /// Check in flight (a dead Envoy's, a health watch). Those are no reason to wait.
    async fn drained(&mut self) -> Result<(), ServeError> {
        let in_flight = self.in_flight.clone();
        let mut idle = pin!(async {
            in_flight.close();
            loop {
                in_flight.wait().await;
                tokio::time::sleep(limits::DRAIN_FLUSH).await;
                if in_flight.is_empty() {
                    break;
                }
            }
        });
        loop {
            tokio::select! {
                () = &mut idle => return Ok(()),
                ended = self.servers.join_next() => match ended {
                    Some(ended) => finished(ended)?,
                    None => return Ok(()),
                },
            }
        }
    }
}

/// Starts the tasks that say which denials were left out of the log, and which calls HTTP/2 has rejected.
fn report(observers: Arc<Observers>) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        keep_running("report of denials", || observers.report_left_out()).await;
    });
    tasks.spawn(keep_running("report of rejected calls", rejected_calls::report));
    tasks
}

/// Sets the metrics that a start decides, and makes the series of each outcome of a fetch and of a reload, and of each reason
/// for which a connection may end.
fn start_metrics(metrics: &Metrics, issuers: &Issuers, revision: &str, now: UnixTime, max_connections: usize) {
    issuers.start_series(metrics);
    metrics.config.loaded(revision, now.as_secs());
    metrics.config.expect_reloads(reloader::outcomes());
    metrics.connections.started(max_connections, &ConnectionFailure::REASONS);
}

/// Makes the gRPC server over the current engine, and lets the metrics show what it and its threads do.
async fn grpc_server(
    current: &Arc<Current>,
    (metrics, workers): (&Metrics, &Workers),
    max_connections: usize,
) -> Result<GrpcServer, ServeError> {
    let server = GrpcServer::new(Arc::clone(current)).await;
    let server = server.map_err(|error| ServeError::Part { part: "reflection", cause: error.to_string() })?;
    figures::show(metrics, workers, &server, current);
    Ok(server.with_max_connections(max_connections))
}

/// Starts the two tasks that load the configuration anew.
fn reload_with(
    mut reload: Reload,
    lasting: Lasting,
    issuers: Issuers,
    listen: Listen,
    keys_dir: Option<PathBuf>,
) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    let (triggers, mut triggered) = mpsc::channel(1);
    let (file, hangups) = (reload.file.as_ref().map(|file| file.path.clone()), reload.hangups.take());
    let hints = Arc::default();
    tasks.spawn(watch::run(file, hangups, reload.pace, Arc::clone(&hints), triggers));
    let mut reloader = Reloader::new(reload, lasting, issuers, listen, keys_dir, hints);
    tasks.spawn(async move { reloader.keep_running(&mut triggered).await });
    tasks
}
