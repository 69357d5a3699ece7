mod restarts;

use std::{
    collections::VecDeque,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use std::path::Path;

use url::Url;

use super::*;
use crate::clock::SystemClock;
use crate::jwks::{
    fetch::{Fetched, Fetching},
    issuer_keys::{Generation, IssuerKeys},
    key_store::{KeyLookup, MissAnswer},
};

const ISSUER: &str = "https://issuer.test/";
const JWKS: &str =
    r#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"a","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;

/// Answers from a list, then with the last one for ever; remembers what was asked.
struct Scripted {
    urls: Mutex<Vec<String>>,
    answers: Mutex<VecDeque<Result<String, u16>>>,
    asked: AtomicUsize,
    delay: Duration,
    lifetime: Mutex<Option<Duration>>,
}

impl Scripted {
    fn new(answers: impl IntoIterator<Item = Result<String, u16>>) -> Arc<Self> {
        let answers = Mutex::new(answers.into_iter().collect());
        Arc::new(Self {
            urls: Mutex::default(),
            answers,
            asked: AtomicUsize::new(0),
            delay: Duration::from_millis(100),
            lifetime: Mutex::default(),
        })
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

impl Fetch for Scripted {
    fn fetch<'a>(&'a self, url: &'a Url) -> Fetching<'a> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.urls.lock().unwrap().push(url.path().to_owned());
        let mut answers = self.answers.lock().unwrap();
        let answer = if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() };
        let answer = answer.unwrap();
        Box::pin(async move {
            tokio::time::sleep(self.delay).await;
            let fetched = |text: String| Fetched { body: text.into_bytes(), lifetime: *self.lifetime.lock().unwrap() };
            answer.map(fetched).map_err(|status| FetchError::Status { url: url.clone(), status })
        })
    }
}

struct Silent;

impl Observer for Silent {
    fn fetched(&self, _: &str, _: Result<&KeySet, &FetchError>, _: Duration) {}
    fn restored(&self, _: &str, _: Duration) {}
    fn not_saved(&self, _: &str, _: &FetchError) {}
    fn not_restored(&self, _: &str, _: &FetchError) {}
}

fn outside(fetch: Arc<dyn Fetch>) -> Outside {
    Outside { fetch: Some(fetch), saved: None, clock: Arc::new(SystemClock), observer: Arc::new(Silent) }
}

fn target(source: KeySource) -> Target {
    let (max_stale, written_at) = (limits::KEYS_MAX_STALE, String::new());
    let (issuer, algorithms, transport) = (ISSUER.into(), vec![Algorithm::EdDSA], Transport::default());
    Target { issuer, algorithms, source, transport, max_stale, written_at }
}

fn jwks_uri() -> KeySource {
    KeySource::JwksUri { url: Url::parse("https://issuer.test/jwks").unwrap(), allow_http: false }
}

fn start(fetch: &Arc<Scripted>, source: KeySource) -> (Arc<KeyStore>, JoinSet<()>) {
    let store = Arc::new(KeyStore::new());
    store.add(ISSUER.into(), IssuerKeys::awaiting_first_fetch(limits::KEYS_MAX_STALE));
    let target = target(source);
    let fetch: Arc<dyn Fetch> = Arc::clone(fetch) as Arc<dyn Fetch>;
    let mut tasks = JoinSet::new();
    tasks.spawn(run(Arc::new(target), Arc::clone(&store), outside(fetch)));
    (store, tasks)
}

fn generation(store: &KeyStore) -> Generation {
    store.at(Instant::now()).current(ISSUER).map_or(Generation::NONE, |snapshot| snapshot.generation)
}

#[tokio::test(start_paused = true)]
async fn keys_are_fetched_at_start_and_again_in_the_background() {
    let fetch = Scripted::new([Ok(JWKS.to_owned())]);
    let (store, _tasks) = start(&fetch, jwks_uri());
    store.settled().await;
    assert_eq!(fetch.asked(), 1);
    tokio::time::sleep(limits::KEYS_REFRESH_AFTER + Duration::from_secs(1)).await;
    assert_eq!(fetch.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_missing_key_asks_for_one_fetch_however_many_ask() {
    let fetch = Scripted::new([Ok(JWKS.to_owned())]);
    let (store, _tasks) = start(&fetch, jwks_uri());
    store.settled().await;
    tokio::time::sleep(limits::FETCH_COOLDOWN).await;
    let seen = generation(&store);
    let began = Instant::now();
    let waiters: Vec<_> = (0..50).map(|_| store.on_miss(ISSUER, seen, Instant::now())).collect();
    for answer in waiters {
        let MissAnswer::Wait(waiter) = answer else { panic!("should wait") };
        waiter.fetch_ended().await;
    }
    assert_eq!(began.elapsed(), fetch.delay, "at once, not when the next refresh is due");
    assert_eq!(fetch.asked(), 2);
    assert!(generation(&store) > seen);
    for _ in 0..1000 {
        let answer = store.on_miss(ISSUER, generation(&store), Instant::now());
        assert!(matches!(answer, MissAnswer::Fresh), "within the cooldown nothing is fetched");
    }
    assert_eq!(fetch.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_dead_issuer_keeps_its_keys_and_is_asked_with_back_off() {
    let fetch = Scripted::new([Ok(JWKS.to_owned()), Err(500)]);
    let (store, _tasks) = start(&fetch, jwks_uri());
    store.settled().await;
    tokio::time::sleep(Duration::from_secs(3600)).await;
    assert!(store.at(Instant::now()).current(ISSUER).is_some());
    let asked = fetch.asked();
    assert!((100..=230).contains(&asked), "15 to 30 s apart in an hour, asked {asked} times");
    assert!(store.status(Instant::now())[0].last_error.as_deref().unwrap().contains("answered 500"));
}

#[tokio::test(start_paused = true)]
async fn an_issuer_that_comes_back_needs_no_restart() {
    let fetch = Scripted::new([Err(503), Err(503), Ok(JWKS.to_owned())]);
    let (store, _tasks) = start(&fetch, jwks_uri());
    store.settled().await;
    assert!(matches!(store.on_miss(ISSUER, Generation::NONE, Instant::now()), MissAnswer::Unavailable(_)));
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert!(store.at(Instant::now()).current(ISSUER).is_some());
    assert!(store.status(Instant::now())[0].last_error.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_bad_document_never_replaces_good_keys() {
    for bad in ["", "<html>", r#"{"keys":[]}"#, r#"{"keys":[{"kty":"RSA"}]}"#] {
        let fetch = Scripted::new([Ok(JWKS.to_owned()), Ok(bad.to_owned())]);
        let (store, _tasks) = start(&fetch, jwks_uri());
        store.settled().await;
        let before = generation(&store);
        tokio::time::sleep(limits::KEYS_REFRESH_AFTER * 2).await;
        assert!(fetch.asked() > 1);
        assert_eq!(generation(&store), before, "{bad}");
    }
}

fn discovery() -> KeySource {
    let document = |path: &str| Url::parse(&format!("https://issuer.test/.well-known/{path}")).unwrap();
    let documents = vec![document("openid-configuration"), document("oauth-authorization-server")];
    KeySource::Discovery { documents, allow_http: false }
}

fn metadata(path: &str) -> Result<String, u16> {
    Ok(format!(r#"{{"issuer":"{ISSUER}","jwks_uri":"https://issuer.test/{path}"}}"#))
}

#[tokio::test(start_paused = true)]
async fn discovery_tries_the_next_document_and_follows_a_moving_jwks_uri() {
    for first in [Err(404), Ok("<html>for people</html>".to_owned()), Ok(format!(r#"{{"issuer":"{ISSUER}"}}"#))] {
        let keys = || Ok(JWKS.to_owned());
        let fetch = Scripted::new([first, metadata("one"), keys(), metadata("two"), keys()]);
        let (store, _tasks) = start(&fetch, discovery());
        store.settled().await;
        assert!(store.at(Instant::now()).current(ISSUER).is_some());
        tokio::time::sleep(limits::KEYS_REFRESH_AFTER + Duration::from_secs(1)).await;
        let (oidc, oauth) = ("/.well-known/openid-configuration", "/.well-known/oauth-authorization-server");
        assert_eq!(*fetch.urls.lock().unwrap(), [oidc, oauth, "/one", oidc, "/two"]);
    }
}

#[tokio::test(start_paused = true)]
async fn somebody_elses_metadata_is_final() {
    let fetch = Scripted::new([Ok(r#"{"issuer":"https://other.test/"}"#.to_owned())]);
    let (store, _tasks) = start(&fetch, discovery());
    store.settled().await;
    assert_eq!(fetch.asked(), 1);
    assert!(store.status(Instant::now())[0].last_error.as_deref().unwrap().contains("https://other.test/"));
}

/// Panics, as a bug of ours would, then never answers.
struct Broken(AtomicUsize);

impl Fetch for Broken {
    fn fetch<'a>(&'a self, _: &'a Url) -> Fetching<'a> {
        assert!(self.0.fetch_add(1, Ordering::SeqCst) > 0, "a bug");
        Box::pin(std::future::pending())
    }
}

#[tokio::test(start_paused = true)]
async fn a_bug_and_a_hang_are_failed_attempts() {
    let store = Arc::new(KeyStore::new());
    store.add(ISSUER.into(), IssuerKeys::awaiting_first_fetch(limits::KEYS_MAX_STALE));
    let source = jwks_uri();
    let target = target(source);
    let mut tasks = JoinSet::new();
    let fetch = Arc::new(Broken(AtomicUsize::new(0)));
    tasks.spawn(run(Arc::new(target), Arc::clone(&store), outside(fetch)));
    store.settled().await;
    let error = || store.status(Instant::now())[0].last_error.clone().unwrap();
    assert!(error().contains("a bug"), "{}", error());
    tokio::time::sleep(limits::ATTEMPT_TIMEOUT + limits::FETCH_BACKOFF_MAX).await;
    assert!(error().contains("did not come within"), "{}", error());
}

#[tokio::test]
async fn a_file_is_read_like_a_remote_set_and_bounded() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("jwks.json");
    let target = |path: &Path| target(KeySource::JwksFile(path.to_owned()));
    let fetch = Scripted::new([Err(500)]);
    let read = async || obtain(&target(&path), None, &Disk::new()).await.map(|obtained| obtained.set);
    assert!(matches!(read().await, Err(FetchError::File { .. })));
    std::fs::write(&path, JWKS).unwrap();
    assert_eq!(read().await.unwrap().keys().len(), 1);
    let mut at_the_limit = JWKS.as_bytes().to_vec();
    at_the_limit.resize(limits::KEY_DOCUMENT_BYTES, b' ');
    std::fs::write(&path, at_the_limit).unwrap();
    assert!(read().await.is_ok());
    std::fs::write(&path, vec![b' '; limits::KEY_DOCUMENT_BYTES + 1]).unwrap();
    assert!(read().await.unwrap_err().to_string().contains("larger than"));
    assert!(
        obtain(&target(dir.path()), None, &Disk::new())
            .await
            .map(|_| ())
            .unwrap_err()
            .to_string()
            .contains("not a regular file")
    );
    assert_eq!(fetch.asked(), 0);
}

#[tokio::test]
async fn a_single_public_key_is_read_from_its_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("key.jwk");
    let key = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
    let target = target(KeySource::PublicKeyFile(path.clone()));
    std::fs::write(&path, key).unwrap();
    assert_eq!(obtain(&target, None, &Disk::new()).await.unwrap().set.keys().len(), 1);
    std::fs::write(&path, JWKS).unwrap();
    let error = obtain(&target, None, &Disk::new()).await.map(|_| ()).unwrap_err();
    assert!(error.to_string().contains("no usable public key"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_set_is_refreshed_when_it_says_so_within_bounds() {
    let (least, most) = (*limits::KEYS_REFRESH_RANGE.start(), *limits::KEYS_REFRESH_RANGE.end());
    for (lifetime, after) in [(0, least), (600, Duration::from_secs(450)), (u64::MAX, most)] {
        let fetch = Scripted::new([Ok(JWKS.to_owned())]);
        *fetch.lifetime.lock().unwrap() = Some(Duration::from_secs(lifetime));
        let (store, _tasks) = start(&fetch, jwks_uri());
        store.settled().await;
        tokio::time::sleep(after - Duration::from_secs(1)).await;
        assert_eq!(fetch.asked(), 1, "{lifetime}");
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(fetch.asked(), 2, "{lifetime}");
    }
}

/// Wall time that a test sets.
#[derive(Debug)]
struct Set(Mutex<UnixTime>);

impl Clock for Set {
    fn now(&self) -> UnixTime {
        *self.0.lock().unwrap()
    }
}

#[tokio::test(start_paused = true)]
async fn a_machine_that_slept_has_older_keys_and_fetches_new_ones() {
    let fetch = Scripted::new([Ok(JWKS.to_owned()), Err(503)]);
    let clock = Arc::new(Set(Mutex::new(UnixTime::from_secs(1_800_000_000))));
    let store = Arc::new(KeyStore::new());
    store.add(ISSUER.into(), IssuerKeys::awaiting_first_fetch(limits::KEYS_MAX_STALE));
    let around =
        Outside { clock: Arc::clone(&clock) as Arc<dyn Clock>, ..outside(Arc::clone(&fetch) as Arc<dyn Fetch>) };
    let mut tasks = JoinSet::new();
    tasks.spawn(run(Arc::new(target(jwks_uri())), Arc::clone(&store), around));
    store.settled().await;
    let forward = |by: Duration| {
        let mut now = clock.0.lock().unwrap();
        *now = now.plus(by);
    };
    forward(limits::CLOCKS_COMPARED + limits::CLOCKS_DIFFER);
    tokio::time::sleep(limits::CLOCKS_COMPARED + Duration::from_secs(1)).await;
    assert_eq!(fetch.asked(), 1, "clocks are set right all the time");
    assert_eq!(store.status(Instant::now())[0].age_seconds, Some(61));
    forward(limits::CLOCKS_COMPARED + limits::KEYS_MAX_STALE);
    tokio::time::sleep(limits::CLOCKS_COMPARED + Duration::from_secs(1)).await;
    assert!(fetch.asked() > 1);
    assert!(store.at(Instant::now()).current(ISSUER).is_none(), "a day older, and nobody has confirmed them");
}

#[tokio::test]
async fn the_error_of_a_discovery_is_that_of_the_place_where_something_is() {
    let forbidden = Ok(format!(r#"{{"issuer":"{ISSUER}","jwks_uri":"http://169.254.169.254/"}}"#));
    let cases = [
        ([Err(404), forbidden.clone()], "forbidden_url"),
        ([Ok("<html>".to_owned()), Err(500)], "status"),
        ([Err(500), Err(404)], "status"),
        ([Ok("<html>".to_owned()), Err(404)], "metadata"),
        ([Err(500), forbidden], "status"),
    ];
    for (answers, kind) in cases {
        let fetch = Scripted::new(answers.clone());
        let error = obtain(&target(discovery()), Some(fetch.as_ref()), &Disk::new()).await.map(|_| ()).unwrap_err();
        assert_eq!(error.kind(), kind, "{answers:?}: {error}");
    }
}

#[test]
fn debug_of_the_outside_says_nothing() {
    let fetch: Arc<dyn Fetch> = Scripted::new([Err(500)]);
    assert_eq!(format!("{:?}", outside(fetch)), "Outside(..)");
}
