//! A service without its servers: a file in a directory of its own, and issuers that count who asks them.

use std::{
    collections::BTreeMap,
    fs,
    hash::RandomState,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    time::Duration,
};

use tempfile::TempDir;
use url::Url;

use super::super::*;
use crate::{
    clock::SystemClock,
    keystore::{
        fetch::{Fetch, FetchError, Fetched, Fetchers, Fetching, InvalidTransport},
        source::Transport,
        store::KeyStore,
        url_guard::Loopback,
    },
};
use portcullis_engine::token_cache::cached_verifier::CachedVerifier;

/// RFC 8037 appendix A.2.
const KEY: &str = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","kid":""#;

/// One issuer with its keys at that URL, and more fields of it.
pub(super) fn issuer(name: &str, jwks_uri: &str, more: &str) -> String {
    format!("  - {{ issuer: {name}, audiences: [api], jwks_uri: {jwks_uri}{more} }}\n")
}

/// A policy of those issuers, with one rule of that name.
pub(super) fn with_issuers(issuers: &str, rule: &str) -> String {
    format!("issuers:\n{issuers}routes:\n  - {{ path: /x, scopes: [{rule}], id: {rule} }}\n")
}

pub(super) fn policy(rule: &str) -> String {
    with_issuers(&issuer("https://a.test/", "https://a.test/jwks", ""), rule)
}

/// Key sets with one key, whose name is the URL. Each takes a moment.
#[derive(Default)]
pub(super) struct Keys {
    fetches: AtomicUsize,
    pub(super) down: AtomicBool,
    pub(super) hangs: AtomicBool,
    pub(super) has_bug: AtomicBool,
}

struct Shared(Arc<Keys>);

impl Fetch for Shared {
    fn fetch<'a>(&'a self, url: &'a Url, _: Loopback) -> Fetching<'a> {
        self.0.fetches.fetch_add(1, Ordering::SeqCst);
        Box::pin(async move {
            sleep(Duration::from_millis(100)).await;
            if self.0.hangs.load(Ordering::SeqCst) {
                std::future::pending::<()>().await;
            }
            if self.0.down.load(Ordering::SeqCst) {
                return Err(FetchError::Status { url: url.clone(), status: 503 });
            }
            Ok(Fetched {
                body: format!(r#"{{"keys":[{KEY}{url}"}}]}}"#).into_bytes(),
                lifetime: None,
                dated: None,
                is_local: false,
            })
        })
    }
}

impl Fetchers for Shared {
    fn fetcher(&self, transport: &Transport) -> Result<Arc<dyn Fetch>, InvalidTransport> {
        let _ = transport;
        assert!(!self.0.has_bug.load(Ordering::SeqCst), "a bug");
        Ok(Arc::new(Self(Arc::clone(&self.0))))
    }
}

pub(super) struct Service {
    pub(super) dir: TempDir,
    pub(super) reloader: Reloader,
    pub(super) keys: Arc<Keys>,
}

impl Service {
    /// With that file, and with its issuers' keys.
    pub(super) async fn start(text: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("portcullis.yaml");
        fs::write(&path, text).unwrap();
        let Loaded { config, file, .. } = crate::config::load(Some(&path), &BTreeMap::new()).unwrap();
        let reload = Reload { file, ..Reload::default() };
        let keys = Arc::new(Keys::default());
        let outside = Outside { clock: Arc::new(SystemClock), fetchers: Arc::new(Shared(Arc::clone(&keys))) };
        let store = Arc::new(KeyStore::new());
        let verifier =
            CachedVerifier::new(config.issuers.iter().map(|issuer| issuer.rules.clone()), RandomState::new());
        let metrics = Arc::new(Metrics::new(Arc::clone(&store), Arc::clone(verifier.cache())));
        let observers = Arc::new(Observers::new(Arc::clone(&metrics)));
        let mut tasks = JoinSet::new();
        let mut around = Around { tasks: &mut tasks, outside: &outside, observer: Arc::clone(&observers) as _ };
        let issuers = Issuers::start(config.issuers, None, Arc::clone(&store), verifier.clone(), &mut around).unwrap();
        let engine = Engine {
            revision: reload.revision(),
            authorizer: Authorizer::new(config.policy, verifier),
            keys: Arc::clone(&store),
            replies: Replies::new(&config.identity),
            clock: Arc::clone(&outside.clock),
            observer: Arc::clone(&observers) as _,
            in_flight: tokio_util::task::TaskTracker::new(),
        };
        store.settled().await;
        let status = Arc::new(ConfigStatus::started(&engine.revision, outside.clock.now()));
        let current = Arc::new(Current::from_pointee(engine));
        let refreshers = Arc::new(Mutex::new(tasks));
        let readiness = Readiness::new(&current, config.ready);
        let lasting = Lasting { current, outside, observers, metrics, status, refreshers, readiness };
        let reloader = Reloader::new(reload, lasting, issuers, config.listen, config.keys_dir, Arc::default());
        Self { dir, reloader, keys }
    }

    pub(super) fn file(&self) -> PathBuf {
        self.dir.path().join("portcullis.yaml")
    }

    pub(super) fn write(&self, text: &str) {
        fs::write(self.file(), text).unwrap();
    }

    pub(super) fn engine(&self) -> Arc<Engine> {
        self.reloader.lasting.current.load_full()
    }

    pub(super) fn rule_ids(&self) -> Vec<String> {
        self.engine().authorizer.policy().rule_ids().map(ToString::to_string).collect()
    }

    pub(super) fn status(&self) -> serde_json::Value {
        self.reloader.lasting.status.to_json()
    }

    pub(super) fn metrics(&self) -> String {
        self.reloader.lasting.metrics.to_text()
    }

    /// The last reload as operators see it: how it ended, and what was wrong. The gauge agrees.
    pub(super) fn last(&self) -> (String, String) {
        let last = self.status()["last_reload"].clone();
        let gauge = format!("config_last_reload_successful {}\n", i32::from(last["ok"] == true));
        assert!(last.is_null() || self.metrics().contains(&gauge), "{last}");
        let text = |field: &str| last[field].as_str().unwrap_or_default().to_owned();
        (text("outcome"), text("error"))
    }

    /// How many reloads had that outcome.
    pub(super) fn count(&self, outcome: &str) -> usize {
        let prefix = format!(r#"portcullis_config_reloads_total{{outcome="{outcome}"}} "#);
        let text = self.metrics();
        text.lines().find_map(|line| line.strip_prefix(&prefix)).map_or(0, |count| count.parse().unwrap())
    }

    pub(super) fn fetches(&self) -> usize {
        self.keys.fetches.load(Ordering::SeqCst)
    }

    /// The tasks that keep keys fresh, once those that were told to end have ended.
    pub(super) async fn tasks(&mut self) -> usize {
        self.reloader.sweep().await;
        sleep(Duration::from_millis(1)).await;
        self.reloader.report_ended_tasks();
        self.reloader.lasting.refreshers.lock().len()
    }

    /// The names of the keys that an engine would verify an issuer's tokens with.
    pub(super) fn kids(engine: &Engine, issuer: &str) -> Vec<String> {
        let status = engine.keys.status(Instant::now());
        status.into_iter().find(|status| status.issuer == issuer).map(|status| status.kids).unwrap_or_default()
    }
}
