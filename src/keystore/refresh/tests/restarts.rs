//! Keys across restarts, and disks that hang.

use super::*;
use crate::keystore::saved::Origin;

fn origin() -> Origin {
    Origin::new(ISSUER, "https://issuer.test/jwks", &Transport::default())
}

#[tokio::test(start_paused = true)]
async fn saved_keys_are_used_while_the_issuer_is_down_and_replaced_when_it_is_back() {
    let dir = tempfile::tempdir().unwrap();
    let saved = SavedKeys::open(dir.path()).unwrap().keys;
    saved.save(&origin(), JWKS.as_bytes(), SystemClock.now()).unwrap();
    let run_with = |fetch: &Arc<Scripted>, source: KeySource| {
        let store = Arc::new(KeyStore::new());
        store.add(ISSUER.into(), IssuerKeys::awaiting_first_fetch(limits::KEYS_MAX_STALE));
        let around = Outside { saved: Some(saved.clone()), ..outside(Arc::clone(fetch) as Arc<dyn Fetch>) };
        let mut tasks = JoinSet::new();
        tasks.spawn(run(Arc::new(target(source)), Arc::clone(&store), around));
        (store, tasks)
    };
    let down_then_up = Scripted::new([Err(503), Err(503), Ok(JWKS.replace("\"a\"", "\"b\""))]);
    let (store, _tasks) = run_with(&down_then_up, jwks_uri());
    store.settled().await;
    assert_eq!(store.status(Instant::now())[0].kids, ["a"], "at a cold start, with the issuer down");
    while store.status(Instant::now())[0].last_error.is_none() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let seen = generation(&store);
    assert!(matches!(store.on_miss(ISSUER, seen, NEW, Instant::now()), MissAnswer::Unavailable(_)), "503, not 401");
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(store.status(Instant::now())[0].kids, ["b"]);
    // The write is a blocking task, which virtual time does not wait for.
    let now_saved = || saved.load(&origin(), limits::KEYS_MAX_STALE, SystemClock.now());
    while !String::from_utf8(now_saved().unwrap().unwrap().text).unwrap().contains("\"b\"") {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let elsewhere = KeySource::JwksUri { url: Url::parse("https://other.test/jwks").unwrap(), allow_http: false };
    let (store, _tasks) = run_with(&Scripted::new([Err(503)]), elsewhere);
    store.settled().await;
    assert!(store.at(Instant::now()).current(ISSUER).is_none(), "saved keys are those of one source");
}

/// A pipe with nobody at its other end: whoever opens it hangs.
fn pipe(path: &Path) {
    assert!(std::process::Command::new("mkfifo").arg(path).status().unwrap().success());
}

/// Runs that test in a runtime that does not wait for threads which hang.
fn with_threads_that_may_hang(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(test);
    runtime.shutdown_background();
}

#[test]
fn a_disk_that_hangs_delays_nothing_for_long_and_takes_one_thread() {
    with_threads_that_may_hang(async {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("pipe");
        pipe(&path);
        let disk = Disk::new();
        let hang = || {
            let path = path.clone();
            disk.run(dir.path(), move || std::fs::read(path).map_err(|_| FetchError::Bug))
        };
        let error = hang().await.unwrap_err();
        assert!(error.to_string().contains("can't be used: timed out"), "{error}");
        // The thread still hangs: there is no second one.
        let began = Instant::now();
        assert!(hang().await.is_err());
        assert!(began.elapsed() < limits::DISK_TIMEOUT, "{:?}", began.elapsed());
        // Somebody comes to the other end: then it goes on.
        std::fs::write(&path, b"x").unwrap();
        while disk.run(&path, || Ok(())).await.is_err() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
}

#[tokio::test(start_paused = true)]
async fn what_is_saved_is_no_condition_for_anything() {
    let dir = tempfile::tempdir().unwrap();
    let saved = SavedKeys::open(dir.path()).unwrap().keys;
    saved.save(&origin(), JWKS.as_bytes(), SystemClock.now()).unwrap();
    let file = std::fs::read_dir(dir.path()).unwrap().next().unwrap().unwrap().path();
    std::fs::remove_file(&file).unwrap();
    pipe(&file);
    let fetch = Scripted::new([Ok(JWKS.to_owned())]);
    let store = Arc::new(KeyStore::new());
    store.add(ISSUER.into(), IssuerKeys::awaiting_first_fetch(limits::KEYS_MAX_STALE));
    let around = Outside { saved: Some(saved), ..outside(Arc::clone(&fetch) as Arc<dyn Fetch>) };
    let mut tasks = JoinSet::new();
    tasks.spawn(run(Arc::new(target(jwks_uri())), Arc::clone(&store), around));
    store.settled().await;
    assert_eq!(store.status(Instant::now())[0].kids, ["a"], "a pipe where the saved set should be");
    // A save in the background may put another file there meanwhile.
    while dir.path().exists() {
        let _ = std::fs::remove_dir_all(dir.path());
    }
    tokio::time::sleep(limits::KEYS_REFRESH_AFTER * 2 + Duration::from_secs(1)).await;
    assert_eq!(fetch.asked(), 3, "and no directory to save to");
}

#[tokio::test(start_paused = true)]
async fn restored_keys_are_enough_to_be_ready() {
    let dir = tempfile::tempdir().unwrap();
    let saved = SavedKeys::open(dir.path()).unwrap().keys;
    saved.save(&origin(), JWKS.as_bytes(), SystemClock.now()).unwrap();
    let store = Arc::new(KeyStore::new());
    store.add(ISSUER.into(), IssuerKeys::awaiting_first_fetch(limits::KEYS_MAX_STALE));
    let hanging = Arc::new(Broken(AtomicUsize::new(1)));
    let around = Outside { saved: Some(saved), ..outside(hanging) };
    let mut tasks = JoinSet::new();
    tasks.spawn(run(Arc::new(target(jwks_uri())), Arc::clone(&store), around));
    store.settled().await;
    assert!(store.at(Instant::now()).current(ISSUER).is_some(), "while the first fetch hangs");
}
