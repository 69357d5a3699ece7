//! The service without its sockets, in virtual time: hours pass in milliseconds, and waiting can be measured exactly.

use std::{
    collections::BTreeMap,
    hash::RandomState,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use envoy_types::pb::envoy::service::auth::v3::CheckResponse;
use parking_lot::Mutex;
use portcullis::{
    clock::{Clock, SystemClock},
    config,
    ext_authz::{response::Replies, service::Engine},
    keystore::{
        fetch::{Fetch, FetchError, Fetched, Fetchers, Fetching, InvalidTransport},
        refresh,
        source::Transport,
        store::KeyStore,
        url_guard::Loopback,
    },
    limits,
    service::{Outside, instrumentation::Observers, keep_fresh, telemetry::metrics::Metrics},
};
use portcullis_engine::{
    authorizer::Authorizer,
    time::UnixTime,
    token_cache::{cache::TokenCache, cached_verifier::CachedVerifier},
};
use prost::Message as _;
use tokio::{task::JoinSet, time::Instant};
use tokio_util::task::TaskTracker;
use url::Url;

use super::check::{Ask, Got, read};

/// How long each of its fetches takes.
pub const FETCH_TIME: Duration = Duration::from_millis(100);

/// An issuer's key set, or none.
#[derive(Debug, Default)]
pub struct ScriptedKeys {
    jwks: Mutex<Option<String>>,
    /// The host that gives no answer.
    hanging: Mutex<Option<String>>,
    fetches: AtomicUsize,
}

impl ScriptedKeys {
    pub fn publish(&self, jwks: &serde_json::Value) {
        *self.jwks.lock() = Some(jwks.to_string());
    }

    pub fn go_down(&self) {
        *self.jwks.lock() = None;
    }

    /// From now on that host gives no answer.
    pub fn hang(&self, host: &str) {
        *self.hanging.lock() = Some(host.to_owned());
    }

    pub fn fetches(&self) -> usize {
        self.fetches.load(Ordering::SeqCst)
    }
}

impl Fetch for ScriptedKeys {
    fn fetch<'a>(&'a self, url: &'a Url, _: Loopback) -> Fetching<'a> {
        self.fetches.fetch_add(1, Ordering::SeqCst);
        Box::pin(async move {
            if self.hanging.lock().as_deref() == url.host_str() {
                std::future::pending::<()>().await;
            }
            tokio::time::sleep(FETCH_TIME).await;
            let jwks = self.jwks.lock().clone();
            let fetched =
                |text: String| Fetched { body: text.into_bytes(), lifetime: None, dated: None, is_local: false };
            jwks.map(fetched).ok_or_else(|| FetchError::Status { url: url.clone(), status: 503 })
        })
    }
}

/// The same keys for every issuer.
struct Alone(Arc<ScriptedKeys>);

impl Fetchers for Alone {
    fn fetcher(&self, _: &Transport) -> Result<Arc<dyn Fetch>, InvalidTransport> {
        Ok(Arc::clone(&self.0) as Arc<dyn Fetch>)
    }
}

/// Wall time that goes as virtual time does.
struct VirtualClock {
    base: UnixTime,
    began: Instant,
}

impl Clock for VirtualClock {
    fn now(&self) -> UnixTime {
        self.base.plus(self.began.elapsed())
    }
}

/// One issuer's service.
pub struct VirtualService {
    pub keys: Arc<ScriptedKeys>,
    pub store: Arc<KeyStore>,
    pub cache: Arc<TokenCache>,
    engine: Arc<Engine>,
    _refreshers: JoinSet<()>,
}

impl VirtualService {
    /// With that configuration, whose issuers all get their keys from `keys`.
    pub fn start(text: &str, keys: Arc<ScriptedKeys>) -> Self {
        let config = config::parse(text, "test.yaml", &BTreeMap::new());
        let config = config.unwrap_or_else(|problems| panic!("{}", problems.render(false, 100))).config;
        let clock: Arc<dyn Clock> = Arc::new(VirtualClock { base: SystemClock.now(), began: Instant::now() });
        let store = Arc::new(KeyStore::new());
        let verifier =
            CachedVerifier::new(config.issuers.iter().map(|issuer| issuer.rules.clone()), RandomState::new());
        let cache = Arc::clone(verifier.cache());
        let metrics = Arc::new(Metrics::new(Arc::clone(&store), Arc::clone(&cache)));
        let observer = Arc::new(Observers::new(metrics));
        let mut refreshers = JoinSet::new();
        let outside = Outside { clock: Arc::clone(&clock), fetchers: Arc::new(Alone(Arc::clone(&keys))) };
        for issuer in &config.issuers {
            let observer = Arc::clone(&observer) as Arc<dyn refresh::Observer>;
            keep_fresh(&mut refreshers, issuer, &store, &outside, None, observer).unwrap();
        }
        let engine = Arc::new(Engine {
            revision: "test".into(),
            authorizer: Authorizer::new(config.policy, verifier),
            keys: Arc::clone(&store),
            replies: Replies::new(&config.identity),
            clock,
            observer,
            in_flight: TaskTracker::new(),
        });
        Self { keys, store, cache, engine, _refreshers: refreshers }
    }

    /// What Envoy makes of the answer to a request, and how long that took.
    pub async fn send(&self, ask: &Ask) -> (Got, Duration) {
        self.send_within(ask, limits::KEY_WAIT).await
    }

    /// Sends a request that may wait for so long.
    pub async fn send_within(&self, ask: &Ask, wait: Duration) -> (Got, Duration) {
        let message = ask.message().encode_to_vec();
        let began = Instant::now();
        let answer = self.engine.check(message.into(), wait).await;
        let response = CheckResponse::decode(answer.into_bytes()).unwrap();
        (read(response), began.elapsed())
    }
}
