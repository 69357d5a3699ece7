//! The composition root: a configuration becomes a running service. Owns every listener and every task.

pub mod listen;
pub mod observers;

use std::{fmt, io, pin::pin, sync::Arc, time::Duration};

use tokio::{task::JoinSet, time::Instant};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

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
        fetch::{FetchError, Fetchers, InvalidTransport},
        issuer_keys::IssuerKeys,
        key_set::KeySet,
        key_store::KeyStore,
        refresh::{self, Target},
        saved::SavedKeys,
        source::KeySource,
    },
    jwt::verifier::Verifier,
    limits,
    shutdown::Stop,
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
    pub fetchers: Arc<dyn Fetchers>,
}

/// Why the service can't start or go on.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// An address can't be bound.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// An issuer's keys can't be fetched in the configured way.
    #[error("issuer `{issuer}`: {cause}")]
    Transport {
        /// Whose keys.
        issuer: String,
        /// Why.
        cause: InvalidTransport,
    },
    /// The directory for saved keys can't be used.
    #[error("`keys_dir`: {0}")]
    KeysDir(FetchError),
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
    /// Where it listens, ports filled in.
    pub bound: Bound,
    servers: JoinSet<Result<(), ServeError>>,
    refreshers: JoinSet<()>,
    keys: Arc<KeyStore>,
    health: Health,
    in_flight: TaskTracker,
    /// Cancelled first: not ready any more.
    stopping: CancellationToken,
    /// Cancelled next: no new connections. Refreshers end last: a Check in flight may be waiting for one.
    stop_servers: CancellationToken,
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
    /// Binds, starts every task, and returns while keys are still being fetched. Health says NOT_SERVING until
    /// [`Self::run`] says otherwise.
    ///
    /// # Errors
    /// [`ServeError`]: an address in use, for example.
    pub async fn start(config: Config, outside: Outside) -> Result<Self, ServeError> {
        let listeners = listen::bind(&config.listen).await?;
        let keys = Arc::new(KeyStore::new());
        let verifier = Verifier::new(config.issuers.iter().map(|issuer| issuer.rules.clone()));
        let metrics = Arc::new(Metrics::new(Arc::clone(&keys), Arc::clone(verifier.cache())));
        let observers = Arc::new(Observers::new(Arc::clone(&metrics)));
        let saved = config.keys_dir.as_deref().map(SavedKeys::open).transpose().map_err(ServeError::KeysDir)?;
        let mut refreshers = JoinSet::new();
        for issuer in &config.issuers {
            let observer = Arc::clone(&observers) as Arc<dyn refresh::Observer>;
            keep_fresh(&mut refreshers, issuer, &keys, &outside, saved.clone(), observer)?;
        }
        let in_flight = TaskTracker::new();
        let engine = Engine {
            authorizer: Authorizer::new(config.policy, verifier),
            keys: Arc::clone(&keys),
            identity: config.identity,
            clock: outside.clock,
            observer: observers,
            in_flight: in_flight.clone(),
        };
        let server = GrpcServer::new(Arc::new(engine)).await;
        let server = server.map_err(|error| ServeError::Part { part: "reflection", cause: error.to_string() })?;
        let health = server.health();
        let (stopping, stop_servers) = (CancellationToken::new(), CancellationToken::new());
        let mut servers = JoinSet::new();
        let stop = stop_servers.clone().cancelled_owned();
        servers.spawn(async move { part("gRPC server", server.serve(listeners.grpc, stop).await) });
        if let Some(listener) = listeners.admin {
            let metrics = Arc::new(move || metrics.to_text());
            let pages = Admin { keys: Arc::clone(&keys), metrics, stopping: stopping.clone() };
            let stop = stop_servers.clone().cancelled_owned();
            servers.spawn(async move { part("admin server", admin::serve(pages, listener, stop).await) });
        }
        let bound = listeners.bound;
        Ok(Self { bound, servers, refreshers, keys, health, in_flight, stopping, stop_servers })
    }

    /// Runs until it is asked to stop, then drains. Asked once more, it stops at once.
    ///
    /// # Errors
    /// [`ServeError::Part`] if a server ended by itself: a service without one of its ports does not go on.
    pub async fn run(mut self, mut stop: impl Stop, drain: Drain) -> Result<Stopped, ServeError> {
        let why = self.serve(&mut stop).await?;
        events::stopping(why);
        self.stopping.cancel();
        self.health.set_serving(false).await;
        tokio::select! {
            () = tokio::time::sleep(drain.notice) => {}
            _ = stop.asked() => return Ok(Stopped::CutOff),
        }
        self.stop_servers.cancel();
        tokio::select! {
            () = tokio::time::sleep(drain.deadline) => Ok(Stopped::CutOff),
            _ = stop.asked() => Ok(Stopped::CutOff),
            drained = self.drained() => drained.map(|()| Stopped::Clean),
        }
    }

    /// Serves until it is asked to stop. Health says SERVING once every issuer has keys, or was asked for them in
    /// vain: one that is down must not keep new replicas from starting.
    async fn serve(&mut self, stop: &mut impl Stop) -> Result<&'static str, ServeError> {
        let keys = Arc::clone(&self.keys);
        let mut ready = pin!(keys.settled());
        let mut announced = false;
        loop {
            tokio::select! {
                biased;
                why = stop.asked() => return Ok(why),
                Some(ended) = self.servers.join_next() => {
                    finished(ended)?;
                    return Err(ServeError::Part { part: "server", cause: "nobody asked it to".to_owned() });
                }
                // It never ends by itself. If a bug ends one, its issuer has the trouble, and the others go on.
                Some(Err(error)) = self.refreshers.join_next() => events::part_failed("key refresher", &error),
                () = &mut ready, if !announced => {
                    announced = true;
                    self.health.set_serving(true).await;
                    events::serving();
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

/// Adds an issuer to the store and starts the task that keeps its keys fresh, where they can change.
///
/// # Errors
/// [`ServeError::Transport`] if its keys can't be fetched in the configured way.
pub fn keep_fresh(
    refreshers: &mut JoinSet<()>,
    issuer: &IssuerConfig,
    keys: &Arc<KeyStore>,
    outside: &Outside,
    saved: Option<SavedKeys>,
    observer: Arc<dyn refresh::Observer>,
) -> Result<(), ServeError> {
    let algorithms = issuer.rules.algorithms.as_slice().to_vec();
    let name = Arc::clone(&issuer.rules.issuer);
    let fetch = match &issuer.source {
        KeySource::Secret(secret) => {
            keys.add(name, IssuerKeys::fixed(KeySet::from_secret(secret, &algorithms), Instant::now()));
            return Ok(());
        }
        // A machine without any certificate can still read files.
        KeySource::JwksFile(_) | KeySource::PublicKeyFile(_) => None,
        KeySource::Discovery { .. } | KeySource::JwksUri { .. } => {
            let fetcher = outside.fetchers.fetcher(&issuer.transport);
            Some(fetcher.map_err(|cause| ServeError::Transport { issuer: name.to_string(), cause })?)
        }
    };
    keys.add(Arc::clone(&name), IssuerKeys::awaiting_first_fetch(issuer.max_stale));
    let target = Target {
        issuer: name,
        algorithms,
        source: issuer.source.clone(),
        transport: issuer.transport.clone(),
        max_stale: issuer.max_stale,
        written_at: issuer.written_at.clone(),
    };
    let around = refresh::Outside { fetch, saved, clock: Arc::clone(&outside.clock), observer };
    refreshers.spawn(refresh::run(Arc::new(target), Arc::clone(keys), around));
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
