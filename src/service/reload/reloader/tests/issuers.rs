//! Keys through reloads.

use std::{sync::atomic::Ordering, time::Duration};

use super::{
    fake::{Service, issuer, policy, with_issuers},
    *,
};
use crate::keystore::store::MissAnswer;
use portcullis_engine::keys::lookup::{Generation, KeyNeed};

const A: &str = "https://a.test/";
const B: &str = "https://b.test/";

fn a(more: &str) -> String {
    issuer(A, "https://a.test/jwks", more)
}

fn b() -> String {
    issuer(B, "https://b.test/jwks", "")
}

async fn load(service: &mut Service, text: &str) -> Duration {
    service.write(text);
    let began = Instant::now();
    service.reloader.look(Trigger::Hangup).await;
    assert_eq!(service.status()["last_reload"]["error"], serde_json::Value::Null, "{text}");
    began.elapsed()
}

#[tokio::test(start_paused = true)]
async fn an_issuer_that_is_left_alone_keeps_its_keys_and_its_task() {
    let mut service = Service::start(&policy("read")).await;
    service.keys.down.store(true, Ordering::SeqCst);
    for rule in ["write", "read", "admin"] {
        // The rules for its tokens say nothing about its keys; nor does the line it stands in.
        for more in ["", ", clock_tolerance: 9s", ", strict: true"] {
            let text = format!("\n\n{}", with_issuers(&a(more), rule));
            assert!(load(&mut service, &text).await < Duration::from_secs(1));
            assert_eq!(Service::kids(&service.engine(), A), ["https://a.test/jwks"], "{text}");
        }
    }
    assert_eq!((service.fetches(), service.tasks().await), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn the_keys_of_a_new_issuer_are_here_when_it_goes_into_force_and_a_removed_ones_go() {
    let mut service = Service::start(&policy("read")).await;
    load(&mut service, &with_issuers(&(a("") + &b()), "read")).await;
    assert_eq!(Service::kids(&service.engine(), B), ["https://b.test/jwks"]);
    assert_eq!((service.fetches(), service.tasks().await), (2, 2));
    let series = format!("portcullis_jwks_refresh_total{{issuer=\"{B}\",outcome=\"timeout\"}} 0\n");
    assert!(service.metrics().contains(&series), "{}", service.metrics());
    let check = service.engine();
    load(&mut service, &policy("read")).await;
    assert!(Service::kids(&service.engine(), B).is_empty());
    assert_eq!(Service::kids(&check, B), ["https://b.test/jwks"], "a Check in flight keeps them");
    assert_eq!(service.tasks().await, 2, "and whoever may bring it the one it waits for");
    drop(check);
    assert_eq!((service.tasks().await, service.fetches()), (1, 2));
    assert!(!service.metrics().contains(B), "{}", service.metrics());
}

#[tokio::test(start_paused = true)]
async fn a_changed_issuers_old_keys_never_vouch_again() {
    for changed in [
        issuer(A, "https://elsewhere.test/jwks", ""),
        a(", algorithms: [EdDSA]"),
        a(", proxy: 'http://127.0.0.1:1'"),
        issuer(A, "http://127.0.0.1:1/jwks", ""),
    ] {
        let mut service = Service::start(&policy("read")).await;
        let before = service.engine();
        service.keys.down.store(true, Ordering::SeqCst);
        load(&mut service, &with_issuers(&changed, "read")).await;
        assert!(Service::kids(&service.engine(), A).is_empty(), "{changed}");
        assert_eq!(service.fetches(), 2, "{changed}");
        let missed = service.engine().keys.on_miss(A, Generation::NONE, KeyNeed::New([0; 32]), Instant::now());
        assert!(matches!(missed, MissAnswer::Unavailable(_)), "503, not 401: {missed:?}");
        service.keys.down.store(false, Ordering::SeqCst);
        sleep(Duration::from_secs(60)).await;
        assert_eq!(Service::kids(&service.engine(), A).len(), 1, "{changed}");
        drop(before);
        assert_eq!(service.tasks().await, 1);
    }
}

#[tokio::test(start_paused = true)]
async fn an_issuer_that_hangs_holds_a_change_up_for_seconds_at_most() {
    let mut service = Service::start(&policy("read")).await;
    service.keys.hangs.store(true, Ordering::SeqCst);
    let took = load(&mut service, &with_issuers(&(a("") + &b()), "write")).await;
    assert!((limits::RELOAD_KEYS_WAIT..limits::RELOAD_KEYS_WAIT * 2).contains(&took), "{took:?}");
    assert_eq!(service.rule_ids(), ["write"]);
    assert_eq!(Service::kids(&service.engine(), A).len(), 1, "the others have theirs");
}

#[tokio::test(start_paused = true)]
async fn keys_that_are_kept_otherwise_are_the_same_keys() {
    let mut service = Service::start(&policy("read")).await;
    service.keys.down.store(true, Ordering::SeqCst);
    sleep(Duration::from_secs(7)).await;
    let dir = service.dir.path().join("keys");
    for text in [
        with_issuers(&a(", max_stale: 48h"), "read"),
        format!("keys_dir: {}\n{}", dir.display(), policy("read")),
        policy("read"),
    ] {
        load(&mut service, &text).await;
        let status = service.engine().keys.status(Instant::now());
        assert_eq!(status[0].kids, ["https://a.test/jwks"], "no outage: {text}");
        assert!(status[0].age_seconds >= Some(7), "and no younger than they are: {status:?}");
    }
    assert!(dir.is_dir());
}

#[tokio::test(start_paused = true)]
async fn a_keys_dir_that_others_can_write_to_is_a_failed_reload() {
    let mut service = Service::start(&policy("read")).await;
    let before = service.engine();
    let dir = service.dir.path().join("keys");
    fs::create_dir(&dir).unwrap();
    let text = format!("keys_dir: {}\n{}", dir.display(), policy("write"));
    for mode in [0o720, 0o702, 0o777, 0o1777, 0o2770] {
        fs::set_permissions(&dir, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
        service.write(&format!("# {mode:o}\n{text}"));
        service.reloader.look(Trigger::File).await;
        let error = service.status()["last_reload"]["error"].to_string();
        assert!(
            error.contains("others than this user can write to") && error.contains("chmod go-w"),
            "{mode:o}: {error}"
        );
        assert!(Arc::ptr_eq(&before, &service.engine()), "{mode:o}");
    }
    assert_eq!(service.count("keys"), 5);
    // What the error says helps: take it away, or name a directory below.
    load(&mut service, &text.replace("/keys\n", "/keys/own\n")).await;
    fs::set_permissions(&dir, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    load(&mut service, &text).await;
}

#[tokio::test(start_paused = true)]
async fn a_keys_dir_that_cannot_be_written_to_is_counted_and_holds_up_no_reload() {
    let mut service = Service::start(&policy("read")).await;
    let failures = |service: &Service, operation: &str| {
        let line = format!(r#"portcullis_keys_dir_failures_total{{operation="{operation}"}} "#);
        let text = service.metrics();
        text.lines().find_map(|text| text.strip_prefix(&line)).unwrap().parse::<usize>().unwrap()
    };
    assert_eq!(["open", "read", "write"].map(|operation| failures(&service, operation)), [0; 3], "from the start");
    let dir = service.dir.path().join("file");
    fs::write(&dir, "").unwrap();
    load(&mut service, &format!("keys_dir: {}/sub\n{}", dir.display(), policy("write"))).await;
    assert_eq!(service.rule_ids(), ["write"]);
    assert_eq!(failures(&service, "open"), 1);
    // Writing is tried all the same, as a disk that was full may have room again. It is a blocking task, which virtual time
    // does not wait for.
    let mut looks = 0..100_000;
    while failures(&service, "write") == 0 {
        assert!(looks.next().is_some(), "no failure is counted");
        sleep(Duration::from_secs(10)).await;
    }
    fs::remove_file(&dir).unwrap();
    while !dir.join("sub").is_dir() {
        assert!(looks.next().is_some(), "nothing is saved");
        sleep(Duration::from_secs(10)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn remembered_tokens_count_only_under_the_rules_they_were_verified_by() {
    let mut service = Service::start(&policy("read")).await;
    let cache = |service: &Service| Arc::clone(service.reloader.issuers.verifier.cache());
    let first = cache(&service);
    load(&mut service, &policy("write")).await;
    assert!(Arc::ptr_eq(&first, &cache(&service)), "only routes have changed");
    for text in [
        with_issuers(&a(", clock_tolerance: 9s"), "read"),
        with_issuers(&a(", clients: [x]"), "read"),
        with_issuers(&issuer(A, "https://elsewhere.test/jwks", ""), "read"),
        with_issuers(&(a("") + &b()), "read"),
        policy("read"),
    ] {
        let before = cache(&service);
        load(&mut service, &text).await;
        let after = cache(&service);
        assert!(!Arc::ptr_eq(&before, &after) && after.stats().entries == 0, "{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn tokens_are_remembered_with_every_claim_that_the_policy_asks_about() {
    let mut service = Service::start(&policy("read")).await;
    // From here on with the claims that policies asked about, and no others.
    load(&mut service, &with_issuers(&a(", clock_tolerance: 9s"), "read")).await;
    let asking = |claim: &str| {
        format!(
            "{}  - {{ path: /y, claims: {{ {claim}: {{ present: true }} }} }}\n",
            with_issuers(&a(", clock_tolerance: 9s"), "read")
        )
    };
    let mut before = Arc::clone(service.engine().authorizer.verifier().cache());
    for (claim, is_new) in [("org", true), ("org", false), ("tenant", true), ("org", true)] {
        load(&mut service, &asking(claim)).await;
        let engine = service.engine();
        let (policy, verifier) = (engine.authorizer.policy(), engine.authorizer.verifier());
        assert!(verifier.keeps(&policy.asked_claims()), "{claim}");
        assert_eq!(!Arc::ptr_eq(&before, verifier.cache()), is_new, "{claim}");
        assert!(Arc::ptr_eq(verifier.cache(), service.reloader.issuers.verifier.cache()), "the one that metrics show");
        before = Arc::clone(verifier.cache());
    }
}
