mod restarts;

use std::{
    collections::VecDeque,
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
};

use parking_lot::Mutex;
use url::Url;

use super::*;
use crate::{
    clock::{Clock, SystemClock},
    keystore::{
        clock_skew::ClockSkew,
        fetch::{Fetch, Fetched, Fetching},
        issuer_keys::IssuerKeys,
        saved::SavedKeys,
        source::{KeySource, Transport},
        store::MissAnswer,
        url_guard::Loopback,
    },
};
use portcullis_engine::keys::{
    algorithm::Algorithm,
    key_set::KeySet,
    lookup::{Generation, KeyLookup, KeyNeed},
};

const ISSUER: &str = "https://issuer.test/";
/// A key that no set here has.
const NEW: KeyNeed = KeyNeed::New([1; 32]);
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
    fn fetch<'a>(&'a self, url: &'a Url, _: Loopback) -> Fetching<'a> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.urls.lock().push(url.path().to_owned());
        let mut answers = self.answers.lock();
        let answer = if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() };
        let answer = answer.unwrap();
        Box::pin(async move {
            tokio::time::sleep(self.delay).await;
            let fetched = |text: String| Fetched {
                body: text.into_bytes(),
                lifetime: *self.lifetime.lock(),
                dated: None,
                is_local: false,
            };
            answer.map(fetched).map_err(|status| FetchError::Status { url: url.clone(), status })
        })
    }
}

struct Silent;

impl Observer for Silent {
    fn fetched(&self, _: &str, _: Result<&KeySet, &FetchError>, _: Duration) {}
    fn clock_compared(&self, _: &str, _: ClockSkew, _: Duration) {}
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
    let seen = generation(&store);
    let began = Instant::now();
    let waiters: Vec<_> = (0..50).map(|_| store.on_miss(ISSUER, seen, NEW, Instant::now())).collect();
    for answer in waiters {
        let MissAnswer::Wait(waiter) = answer else { panic!("should wait") };
        waiter.fetch_ended().await;
    }
    assert_eq!(began.elapsed(), fetch.delay, "at once, not when the next refresh is due");
    assert_eq!(fetch.asked(), 2);
    assert!(generation(&store) > seen);
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_missing_keys_asks_for_three_fetches_and_one_more_in_each_interval() {
    let fetch = Scripted::new([Ok(JWKS.to_owned())]);
    let (store, _tasks) = start(&fetch, jwks_uri());
    store.settled().await;
    let (began, mut refused) = (Instant::now(), 0);
    for n in 0..19_000_u32 {
        let need = KeyNeed::New(portcullis_engine::digest::sha256(&n.to_be_bytes()));
        match store.on_miss(ISSUER, generation(&store), need, Instant::now()) {
            // It may leave before its time, and takes the fetch with it all the same.
            MissAnswer::Wait(_) => {}
            MissAnswer::Fresh => refused += 1,
            other => panic!("{other:?}"),
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let most = began.elapsed().as_secs() / limits::FETCH_COOLDOWN.as_secs() + u64::from(limits::FETCH_BURST);
    assert_eq!(fetch.asked(), 1 + usize::try_from(most).unwrap());
    assert!(refused > 15_000, "{refused}");
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
    assert!(matches!(store.on_miss(ISSUER, Generation::NONE, NEW, Instant::now()), MissAnswer::Unavailable(_)));
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

const OIDC: &str = "/.well-known/openid-configuration";
const OAUTH: &str = "/.well-known/oauth-authorization-server";

/// An issuer with one document at each path; a path that it has not is 404, and one with an empty document never answers.
#[derive(Default)]
struct Site {
    pages: Mutex<std::collections::HashMap<String, String>>,
    urls: Mutex<Vec<String>>,
}

impl Site {
    fn new(pages: &[(&str, String)]) -> Arc<Self> {
        let site = Self::default();
        pages.iter().for_each(|(path, page)| site.put(path, page));
        Arc::new(site)
    }

    fn put(&self, path: &str, page: &str) {
        self.pages.lock().insert(path.to_owned(), page.to_owned());
    }

    fn remove(&self, path: &str) {
        self.pages.lock().remove(path);
    }

    /// Returns the paths that were asked for since the last call.
    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.urls.lock())
    }
}

impl Fetch for Site {
    fn fetch<'a>(&'a self, url: &'a Url, _: Loopback) -> Fetching<'a> {
        self.urls.lock().push(url.path().to_owned());
        let page = self.pages.lock().get(url.path()).cloned();
        Box::pin(async move {
            tokio::time::sleep(Duration::from_millis(10)).await;
            match page {
                Some(page) if page.is_empty() => std::future::pending().await,
                Some(page) => Ok(Fetched { body: page.into_bytes(), lifetime: None, dated: None, is_local: false }),
                None => Err(FetchError::Status { url: url.clone(), status: 404 }),
            }
        })
    }
}

/// An observer that remembers what it was told, and when.
#[derive(Default)]
struct Told(Mutex<Vec<(Duration, &'static str)>>, Option<Instant>);

impl Observer for Told {
    fn fetched(&self, _: &str, outcome: Result<&KeySet, &FetchError>, _: Duration) {
        let kind = outcome.map_or_else(FetchError::kind, |_| "success");
        self.0.lock().push((self.1.unwrap().elapsed(), kind));
    }
    fn clock_compared(&self, _: &str, _: ClockSkew, _: Duration) {}
    fn restored(&self, _: &str, _: Duration) {}
    fn not_saved(&self, _: &str, _: &FetchError) {}
    fn not_restored(&self, _: &str, _: &FetchError) {}
}

/// A refresher of that issuer by discovery.
struct Running {
    site: Arc<Site>,
    store: Arc<KeyStore>,
    told: Arc<Told>,
    _tasks: JoinSet<()>,
}

impl Running {
    async fn start(site: Arc<Site>) -> Self {
        let store = Arc::new(KeyStore::new());
        store.add(ISSUER.into(), IssuerKeys::awaiting_first_fetch(limits::KEYS_MAX_STALE));
        let told = Arc::new(Told(Mutex::default(), Some(Instant::now())));
        let observer = Arc::clone(&told) as Arc<dyn Observer>;
        let around = Outside { observer, ..outside(Arc::clone(&site) as Arc<dyn Fetch>) };
        let mut tasks = JoinSet::new();
        tasks.spawn(run(Arc::new(target(discovery())), Arc::clone(&store), around));
        store.settled().await;
        Self { site, store, told, _tasks: tasks }
    }

    /// A token asks for a key; returns once the fetch has ended.
    async fn miss(&self) {
        let missed = self.store.on_miss(ISSUER, generation(&self.store), NEW, Instant::now());
        let MissAnswer::Wait(waiter) = missed else { panic!("{missed:?}") };
        waiter.fetch_ended().await;
    }

    fn kids(&self) -> Vec<String> {
        self.store.status(Instant::now())[0].kids.clone()
    }

    fn told(&self) -> Vec<(u64, &'static str)> {
        let told = self.told.0.lock();
        told.iter().map(|(at, kind)| (at.as_secs(), *kind)).collect()
    }
}

fn jwks(kid: &str) -> String {
    JWKS.replace("\"a\"", &format!("\"{kid}\""))
}

#[tokio::test(start_paused = true)]
async fn discovery_tries_the_next_document_and_begins_with_it_from_then_on() {
    for first in [Err(404), Ok("<html>for people</html>".to_owned()), Ok(format!(r#"{{"issuer":"{ISSUER}"}}"#))] {
        let site = Site::new(&[(OAUTH, metadata("one").unwrap()), ("/one", jwks("a"))]);
        if let Ok(page) = first {
            site.put(OIDC, &page);
        }
        let running = Running::start(site).await;
        assert_eq!(
            (running.kids(), running.site.asked()),
            (vec!["a".to_owned()], vec![OIDC.into(), OAUTH.into(), "/one".into()])
        );
        tokio::time::sleep(limits::METADATA_REFRESH_AFTER + limits::KEYS_REFRESH_AFTER).await;
        assert_eq!(running.site.asked().into_iter().filter(|path| path != "/one").collect::<Vec<_>>(), [OAUTH]);
    }
}

#[tokio::test(start_paused = true)]
async fn metadata_is_not_fetched_with_every_key_set_but_every_hour() {
    let site = Site::new(&[(OIDC, metadata("one").unwrap()), ("/one", jwks("a"))]);
    let running = Running::start(Arc::clone(&site)).await;
    assert_eq!(site.asked(), [OIDC, "/one"]);
    tokio::time::sleep(limits::METADATA_REFRESH_AFTER - Duration::from_secs(1)).await;
    let asked = site.asked();
    assert!(asked.len() >= 11 && asked.iter().all(|path| path == "/one"), "{asked:?}");
    // It moves its keys, and the old place goes on to answer.
    site.put(OIDC, &metadata("two").unwrap());
    site.put("/two", &jwks("b"));
    tokio::time::sleep(limits::KEYS_REFRESH_AFTER + Duration::from_secs(1)).await;
    assert_eq!((site.asked(), running.kids()), (vec![OIDC.to_owned(), "/two".to_owned()], vec!["b".to_owned()]));
}

#[tokio::test(start_paused = true)]
async fn an_issuer_that_moves_its_keys_is_followed_at_once_where_the_old_place_fails() {
    for old in [None, Some(r#"{"keys":[]}"#.to_owned()), Some("<html>".to_owned())] {
        let site = Site::new(&[(OIDC, metadata("one").unwrap()), ("/one", jwks("a"))]);
        let running = Running::start(Arc::clone(&site)).await;
        site.put(OIDC, &metadata("two").unwrap());
        site.put("/two", &jwks("b"));
        match &old {
            Some(page) => site.put("/one", page),
            None => site.remove("/one"),
        }
        site.asked();
        running.miss().await;
        assert_eq!(
            (site.asked(), running.kids()),
            (vec!["/one".into(), OIDC.into(), "/two".into()], vec!["b".to_owned()])
        );
        assert_eq!(running.told(), [(0, "success"); 2], "in one attempt");
        running.miss().await;
        assert_eq!(site.asked(), ["/two"]);
    }
}

#[tokio::test(start_paused = true)]
async fn an_issuer_that_moves_its_keys_and_keeps_the_old_ones_is_followed_when_a_token_asks() {
    let site = Site::new(&[(OIDC, metadata("one").unwrap()), ("/one", jwks("a"))]);
    let running = Running::start(Arc::clone(&site)).await;
    site.put(OIDC, &metadata("two").unwrap());
    site.put("/two", &jwks("b"));
    site.asked();
    running.miss().await;
    assert_eq!((site.asked(), running.kids()), (vec!["/one".to_owned()], vec!["a".to_owned()]), "metadata is young");
    tokio::time::sleep(limits::METADATA_RECHECK_AFTER).await;
    running.miss().await;
    assert_eq!((site.asked(), running.kids()), (vec!["/one".into(), OIDC.into(), "/two".into()], vec!["b".to_owned()]));
    // Forged tokens have it read once a minute, and new keys at the known place not at all.
    for kid in ["b", "b", "c"] {
        site.put("/two", &jwks(kid));
        tokio::time::sleep(limits::METADATA_RECHECK_AFTER / 3).await;
        running.miss().await;
    }
    assert_eq!(site.asked(), ["/two"; 3]);
}

#[tokio::test(start_paused = true)]
async fn metadata_that_stalls_keeps_no_token_waiting_for_long_while_the_keys_can_be_had() {
    let site = Site::new(&[(OIDC, metadata("one").unwrap()), ("/one", jwks("a"))]);
    let running = Running::start(Arc::clone(&site)).await;
    site.put(OIDC, "");
    tokio::time::sleep(limits::METADATA_RECHECK_AFTER).await;
    let began = Instant::now();
    running.miss().await;
    assert!(began.elapsed() <= limits::FETCH_SLOW + Duration::from_millis(50), "{:?}", began.elapsed());
    assert!(running.store.status(Instant::now())[0].last_error.is_none(), "the keys came");
    // After an hour it is trouble, and told, but the known place is asked again.
    tokio::time::sleep(limits::METADATA_REFRESH_AFTER + limits::KEYS_REFRESH_AFTER).await;
    let told = running.told();
    let failed: Vec<_> = told.iter().filter(|(_, kind)| *kind != "success").collect();
    assert!(matches!(failed[..], [(_, "timeout")]), "{told:?}");
    assert_eq!(told.last().unwrap().1, "success");
}

#[tokio::test(start_paused = true)]
async fn metadata_that_names_somebody_else_or_forbidden_keys_ends_the_use_of_the_known_place() {
    for (bad, kind) in [
        (r#"{"issuer":"https://other.test/"}"#.to_owned(), "other_issuer"),
        (format!(r#"{{"issuer":"{ISSUER}","jwks_uri":"http://169.254.169.254/"}}"#), "forbidden_url"),
    ] {
        let site = Site::new(&[(OIDC, metadata("one").unwrap()), ("/one", jwks("a"))]);
        let running = Running::start(Arc::clone(&site)).await;
        site.put(OIDC, &bad);
        tokio::time::sleep(limits::METADATA_RECHECK_AFTER).await;
        running.miss().await;
        tokio::time::sleep(limits::KEYS_REFRESH_AFTER).await;
        let told = running.told();
        assert!(told.len() > 5 && told[1..].iter().all(|(_, told)| *told == kind), "{told:?}");
        assert_eq!(running.kids(), ["a"], "known keys are kept");
    }
}

#[tokio::test(start_paused = true)]
async fn each_stall_is_told_within_the_time_of_one_fetch() {
    let seconds = limits::FETCH_TIMEOUT.as_secs();
    // From the start, at every document.
    let site = Site::new(&[(OIDC, String::new()), (OAUTH, metadata("one").unwrap()), ("/one", jwks("a"))]);
    let running = Running::start(Arc::clone(&site)).await;
    assert_eq!(running.told(), [(seconds, "timeout")]);
    let error = running.store.status(Instant::now())[0].last_error.clone().unwrap();
    assert!(error.contains("gave no whole answer within 5 s"), "{error}");
    tokio::time::sleep(limits::FETCH_BACKOFF_MIN + Duration::from_secs(1)).await;
    assert_eq!(site.asked(), [OIDC, OAUTH, "/one"], "the next attempt begins with the other document");
    assert_eq!((running.kids(), running.told()[1].1), (vec!["a".to_owned()], "success"));
    // Later, at the key set, and then at the metadata.
    site.put("/one", "");
    site.put(OAUTH, "");
    let began = Instant::now();
    let before = running.told().len();
    running.miss().await;
    assert_eq!(began.elapsed(), limits::FETCH_TIMEOUT);
    assert_eq!(running.told().len(), before + 1);
    tokio::time::sleep(limits::FETCH_BACKOFF_MIN + limits::FETCH_TIMEOUT).await;
    assert_eq!(running.told().len(), before + 2);
}

#[tokio::test(start_paused = true)]
async fn replicas_that_start_together_do_not_refresh_together() {
    let mut all = Vec::new();
    for _ in 0..30 {
        let fetch = Scripted::new([Ok(JWKS.to_owned())]);
        let (store, tasks) = start(&fetch, jwks_uri());
        store.settled().await;
        let Due::At(at) = store.due(ISSUER, Instant::now()) else { panic!("should be due later") };
        all.push(at - Instant::now());
        drop(tasks);
    }
    let (least, most) = (all.iter().min().unwrap(), all.iter().max().unwrap());
    assert!(
        *most <= limits::KEYS_REFRESH_AFTER
            && *least >= limits::KEYS_REFRESH_AFTER.mul_f64(1.0 - limits::REFRESH_JITTER)
    );
    assert!(*most - *least > Duration::from_secs(5), "{all:?}");
}

#[tokio::test(start_paused = true)]
async fn somebody_elses_metadata_is_final() {
    let fetch = Scripted::new([Ok(r#"{"issuer":"https://other.test/"}"#.to_owned())]);
    let (store, _tasks) = start(&fetch, discovery());
    store.settled().await;
    assert_eq!(fetch.asked(), 1);
    assert!(store.status(Instant::now())[0].last_error.as_deref().unwrap().contains("https://other.test/"));
}

#[tokio::test(start_paused = true)]
async fn where_both_places_fail_both_are_named_with_what_each_said() {
    for (pages, helpful) in
        [(vec![], OIDC), (vec![(OAUTH, "<html>".to_owned())], OIDC), (vec![(OAUTH, "{}".to_owned())], "")]
    {
        let running = Running::start(Site::new(&pages)).await;
        let error = running.store.status(Instant::now())[0].last_error.clone().unwrap();
        if helpful.is_empty() {
            // Metadata of another issuer is an answer, and the one that helps.
            assert!(error.find("names no issuer").unwrap() < error.find(OIDC).unwrap(), "{error}");
            assert!(error.contains("answered 404"), "{error}");
            continue;
        }
        let (first, second) = (error.find(OIDC).unwrap(), error.find(OAUTH).unwrap());
        assert!(first < second && error.contains("answered 404, not 200; "), "{error}");
    }
}

/// An issuer that answers from that machine with a `jwks_uri` at a name; remembers whether that name may lead here.
struct Elsewhere {
    is_local: bool,
    asked: Mutex<Vec<(String, Loopback)>>,
}

impl Fetch for Elsewhere {
    fn fetch<'a>(&'a self, url: &'a Url, loopback: Loopback) -> Fetching<'a> {
        self.asked.lock().push((url.path().to_owned(), loopback));
        let body = if url.path() == "/one" { jwks("a") } else { metadata("one").unwrap() };
        let fetched = Fetched { body: body.into_bytes(), lifetime: None, dated: None, is_local: self.is_local };
        Box::pin(std::future::ready(Ok(fetched)))
    }
}

#[tokio::test(start_paused = true)]
async fn names_of_a_document_lead_to_this_machine_only_if_it_came_from_there() {
    for (is_local, loopback) in [(false, Loopback::Refused), (true, Loopback::Allowed)] {
        let fetch = Arc::new(Elsewhere { is_local, asked: Mutex::default() });
        let store = Arc::new(KeyStore::new());
        store.add(ISSUER.into(), IssuerKeys::awaiting_first_fetch(limits::KEYS_MAX_STALE));
        let mut tasks = JoinSet::new();
        let around = outside(Arc::clone(&fetch) as Arc<dyn Fetch>);
        tasks.spawn(run(Arc::new(target(discovery())), Arc::clone(&store), around));
        store.settled().await;
        // Also when the document is not read again.
        tokio::time::sleep(limits::KEYS_REFRESH_AFTER + Duration::from_secs(1)).await;
        let (document, keys) = ((OIDC.to_owned(), Loopback::Allowed), ("/one".to_owned(), loopback));
        assert_eq!(*fetch.asked.lock(), [document, keys.clone(), keys]);
    }
}

/// Panics, as a bug of ours would, then never answers.
struct Broken(AtomicUsize);

impl Fetch for Broken {
    fn fetch<'a>(&'a self, _: &'a Url, _: Loopback) -> Fetching<'a> {
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
    tokio::time::sleep(limits::FETCH_BACKOFF_MIN + limits::FETCH_TIMEOUT).await;
    assert!(error().contains("gave no whole answer within 5 s"), "{}", error());
}

/// Makes one attempt, with nothing known before.
async fn once(target: &Target, fetch: Option<&dyn Fetch>) -> Result<Obtained, FetchError> {
    let wish = Wish { is_asked_for: true, held: None };
    obtain(target, fetch, &Disk::new(), &mut Metadata::default(), wish).await
}

#[tokio::test]
async fn a_file_is_read_like_a_remote_set_and_bounded() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("jwks.json");
    let target = |path: &Path| target(KeySource::JwksFile(path.to_owned()));
    let fetch = Scripted::new([Err(500)]);
    let read = async || once(&target(&path), None).await.map(|obtained| obtained.set);
    assert!(matches!(read().await, Err(FetchError::File { .. })));
    std::fs::write(&path, JWKS).unwrap();
    assert_eq!(read().await.unwrap().keys().len(), 1);
    let mut at_the_limit = JWKS.as_bytes().to_vec();
    at_the_limit.resize(limits::KEY_DOCUMENT_BYTES, b' ');
    std::fs::write(&path, at_the_limit).unwrap();
    assert!(read().await.is_ok());
    std::fs::write(&path, vec![b' '; limits::KEY_DOCUMENT_BYTES + 1]).unwrap();
    assert!(read().await.unwrap_err().to_string().contains("larger than"));
    let error = once(&target(dir.path()), None).await.map(|_| ()).unwrap_err();
    assert!(error.to_string().contains("not a regular file"), "{error}");
    assert_eq!(fetch.asked(), 0);
}

#[tokio::test]
async fn a_single_public_key_is_read_from_its_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("key.jwk");
    let key = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
    let target = target(KeySource::PublicKeyFile(path.clone()));
    std::fs::write(&path, key).unwrap();
    assert_eq!(once(&target, None).await.unwrap().set.keys().len(), 1);
    std::fs::write(&path, JWKS).unwrap();
    let error = once(&target, None).await.map(|_| ()).unwrap_err();
    assert!(error.to_string().contains("no usable public key"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_set_is_refreshed_when_it_says_so_within_bounds() {
    let (least, most) = (*limits::KEYS_REFRESH_RANGE.start(), *limits::KEYS_REFRESH_RANGE.end());
    for (lifetime, after) in [(0, least), (600, Duration::from_secs(450)), (u64::MAX, most)] {
        let fetch = Scripted::new([Ok(JWKS.to_owned())]);
        *fetch.lifetime.lock() = Some(Duration::from_secs(lifetime));
        let (store, _tasks) = start(&fetch, jwks_uri());
        store.settled().await;
        let earliest = after.mul_f64(1.0 - limits::REFRESH_JITTER);
        tokio::time::sleep(earliest - Duration::from_secs(1)).await;
        assert_eq!(fetch.asked(), 1, "{lifetime}");
        tokio::time::sleep(after - earliest + Duration::from_secs(2)).await;
        assert_eq!(fetch.asked(), 2, "{lifetime}");
    }
}

/// Wall time that a test sets.
#[derive(Debug)]
struct Set(Mutex<UnixTime>);

impl Clock for Set {
    fn now(&self) -> UnixTime {
        *self.0.lock()
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
        let mut now = clock.0.lock();
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
        let error = once(&target(discovery()), Some(fetch.as_ref())).await.map(|_| ()).unwrap_err();
        assert_eq!(error.kind(), kind, "{answers:?}: {error}");
    }
}

#[test]
fn debug_of_the_outside_says_nothing() {
    let fetch: Arc<dyn Fetch> = Scripted::new([Err(500)]);
    assert_eq!(format!("{:?}", outside(fetch)), "Outside(..)");
}
