//! The composition root: a configuration becomes a running service. Owns every listener and every task.

pub mod listen;
pub mod observers;

use std::{fmt, io, sync::Arc, time::Duration};

use tokio::{task::JoinSet, time::Instant};
use tokio_util::sync::CancellationToken;

use crate::{
    admin::{self, Admin},
    authorizer::Authorizer,
    clock::Clock,
    config::{Config, IssuerConfig},
    ext_authz::{
        server::{GrpcServer, Health},
        service::Engine,
    },
    jwks::{
        fetch::Fetch,
        issuer_keys::IssuerKeys,
        key_set::KeySet,
        key_store::KeyStore,
        refresh::{self, Target},
        source::KeySource,
    },
    jwt::verifier::Verifier,
    limits,
    telemetry::{events, metrics::Metrics},
};
use listen::{BindError, Bound};
use observers::Observers;

/// What the service needs of the outside: the time, and a way to fetch keys.
#[derive(Clone)]
pub struct Outside {
    /// Wall time.
    pub clock: Arc<dyn Clock>,
    /// Key documents.
    pub fetch: Arc<dyn Fetch>,
}

/// Why the service can't start or go on.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// An address can't be bound.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// A part of the service ended by itself.
    #[error("the {part} ended: {cause}")]
    Part {
        /// Which part.
        part: &'static str,
        /// Why.
        cause: String,
    },
}

/// How a service ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// Everything in flight was answered.
    Clean,
    /// The deadline cut something off.
    CutOff,
}

/// How long stopping takes.
#[derive(Clone, Copy, Debug)]
pub struct Drain {
    /// From NOT_SERVING to closing the listeners.
    pub notice: Duration,
    /// From closing the listeners to giving up.
    pub deadline: Duration,
}

impl Default for Drain {
    fn default() -> Self {
        Self { notice: limits::DRAIN_NOTICE, deadline: limits::DRAIN_DEADLINE }
    }
}

/// A running service.
pub struct App {
    tasks: JoinSet<Result<(), ServeError>>,
    health: Health,
    /// Where it listens, ports filled in.
    pub bound: Bound,
    /// Cancelled first: not ready any more.
    stopping: CancellationToken,
    /// Cancelled next: no new connections.
    stop_servers: CancellationToken,
    /// Cancelled last: nothing needs keys any more.
    stop_refreshers: CancellationToken,
}

impl fmt::Debug for Outside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Outside(..)")
    }
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App").field("bound", &self.bound).finish_non_exhaustive()
    }
}

impl App {
    /// Binds, starts every task, and returns while keys are still being fetched.
    ///
    /// # Errors
    /// [`ServeError`]: an address in use, for example.
    pub async fn start(config: Config, outside: Outside) -> Result<Self, ServeError> {
        let listeners = listen::bind(&config.listen).await?;
        let keys = Arc::new(KeyStore::new());
        let metrics = Arc::new(Metrics::new(Arc::clone(&keys)));
        let observers = Arc::new(Observers::new(Arc::clone(&metrics)));
        let stop_refreshers = CancellationToken::new();
        let mut tasks = JoinSet::new();
        for issuer in &config.issuers {
            spawn_refresher(&mut tasks, issuer, &keys, &outside, &observers, &stop_refreshers);
        }
        let verifier = Verifier::new(config.issuers.into_iter().map(|issuer| issuer.rules));
        let engine = Engine {
            authorizer: Authorizer::new(config.policy, verifier),
            keys: Arc::clone(&keys),
            identity: config.identity,
            clock: outside.clock,
            observer: observers,
        };
        let server = GrpcServer::new(Arc::new(engine)).await;
        let server = server.map_err(|error| ServeError::Part { part: "reflection", cause: error.to_string() })?;
        let health = server.health();
        let (stopping, stop_servers) = (CancellationToken::new(), CancellationToken::new());
        let stop = stop_servers.clone().cancelled_owned();
        tasks.spawn(async move { part("gRPC server", server.serve(listeners.grpc, stop).await) });
        if let Some(listener) = listeners.admin {
            let metrics = Arc::new(move || metrics.to_text());
            let pages = Admin { keys: Arc::clone(&keys), metrics, stopping: stopping.clone() };
            let stop = stop_servers.clone().cancelled_owned();
            tasks.spawn(async move { part("admin server", admin::serve(pages, listener, stop).await) });
        }
        tasks.spawn(announce(keys, health.clone(), stopping.clone()));
        Ok(Self { tasks, health, bound: listeners.bound, stopping, stop_servers, stop_refreshers })
    }

    /// Runs until `stop` resolves with a reason, then drains.
    ///
    /// # Errors
    /// [`ServeError::Part`] if a part ended by itself: a service without one of its parts does not go on.
    pub async fn run(mut self, stop: impl Future<Output = &'static str>, drain: Drain) -> Result<Stopped, ServeError> {
        tokio::pin!(stop);
        let why = loop {
            tokio::select! {
                why = &mut stop => break why,
                Some(ended) = self.tasks.join_next() => finished(ended)?,
            }
        };
        events::stopping(why);
        self.stopping.cancel();
        self.health.set_serving(false).await;
        tokio::time::sleep(drain.notice).await;
        self.stop_servers.cancel();
        self.stop_refreshers.cancel();
        let drained = tokio::time::timeout(drain.deadline, async {
            while let Some(ended) = self.tasks.join_next().await {
                finished(ended)?;
            }
            Ok::<_, ServeError>(())
        });
        match drained.await {
            Ok(outcome) => outcome.map(|()| Stopped::Clean),
            Err(_) => Ok(Stopped::CutOff),
        }
    }
}

fn spawn_refresher(
    tasks: &mut JoinSet<Result<(), ServeError>>,
    issuer: &IssuerConfig,
    keys: &Arc<KeyStore>,
    outside: &Outside,
    observers: &Arc<Observers>,
    stop: &CancellationToken,
) {
    let algorithms = issuer.rules.algorithms.as_slice().to_vec();
    let name = Arc::clone(&issuer.rules.issuer);
    if let KeySource::Secret(secret) = &issuer.source {
        keys.add(name, IssuerKeys::fixed(KeySet::from_secret(secret, &algorithms), Instant::now()));
        return;
    }
    keys.add(Arc::clone(&name), IssuerKeys::awaiting_first_fetch());
    let target =
        Target { issuer: name, algorithms, source: issuer.source.clone(), written_at: issuer.written_at.clone() };
    let refresher =
        refresh::run(target, Arc::clone(keys), Arc::clone(&outside.fetch), Arc::clone(observers) as _, stop.clone());
    tasks.spawn(async move {
        refresher.await;
        Ok(())
    });
}

/// Says SERVING once every issuer has been asked for its keys: one that is down must not keep new replicas from starting.
async fn announce(keys: Arc<KeyStore>, health: Health, stopping: CancellationToken) -> Result<(), ServeError> {
    tokio::select! {
        () = stopping.cancelled() => {}
        () = keys.first_attempts() => {
            health.set_serving(true).await;
            events::serving();
        }
    }
    Ok(())
}

fn part(part: &'static str, outcome: Result<(), impl fmt::Display>) -> Result<(), ServeError> {
    outcome.map_err(|cause| ServeError::Part { part, cause: cause.to_string() })
}

fn finished(ended: Result<Result<(), ServeError>, tokio::task::JoinError>) -> Result<(), ServeError> {
    ended.map_err(|error| ServeError::Part { part: "task", cause: error.to_string() })?
}

impl From<io::Error> for ServeError {
    fn from(error: io::Error) -> Self {
        Self::Part { part: "listener", cause: error.to_string() }
    }
}
