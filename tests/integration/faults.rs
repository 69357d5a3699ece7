//! The matrix in the README's section "When the issuer fails": each row is a fault of the demo issuer, run against the real
//! service over HTTP, and what is seen must be what the row says.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use clap::ValueEnum;
use portcullis::{
    keystore::{
        fetch::{Fetchers, HttpFetchers},
        issuer_keys::{Due, IssuerKeys},
        source::Transport,
        url_guard::Loopback,
    },
    limits,
};
use portcullis_demo::issuer::{DemoIssuer, Fault};
use portcullis_engine::keys::{algorithm::Algorithm, key_set::KeySet};
use serde_json::Value;
use tokio::{net::TcpListener, sync::Semaphore, task::JoinSet, time::Instant};

use crate::support::{
    AUDIENCE,
    check::{Client, get},
    config,
    process::own_address,
    scoped,
    service::TestService,
};

const README: &str = include_str!("../../README.md");
/// What a loaded machine may add to a time that the README promises.
const SLACK: Duration = Duration::from_secs(30);

/// The section's text.
fn section() -> &'static str {
    let (_, rest) = README.split_once("\n## When the issuer fails\n").unwrap();
    rest.split_once("\n## ").unwrap().0
}

/// The cells of each row of the first table, header and rule left out.
fn rows() -> Vec<Vec<&'static str>> {
    let (faults, _) = section().split_once("\n### ").unwrap();
    let lines = faults.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"));
    lines.skip(1).map(|line| line.split(" | ").collect()).collect()
}

#[test]
fn every_fault_has_one_row() {
    let names: Vec<String> = rows().iter().map(|row| row[0].to_owned()).collect();
    let faults: Vec<String> = Fault::value_variants().iter().map(|fault| format!("`{}`", fault.name())).collect();
    assert_eq!(names, faults, "the rows of the README, and the faults of the demo issuer");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_row_is_what_is_seen() {
    let mut running = JoinSet::new();
    // Making keys is all work and the rest all waiting: the one that waits longest goes first.
    let mut rows = rows();
    rows.sort_by_key(|row| row[0] != "`stall`");
    let makers = Arc::new(Semaphore::new(2));
    for row in rows {
        let fault = Fault::from_str(row[0].trim_matches('`'), false).unwrap();
        assert_eq!(row[5], format!("`{}`", fault.outcome()), "what the demo says of {fault:?}");
        let makers = Arc::clone(&makers);
        running.spawn(async move { (row.join(" | "), seen(fault, row[6], &makers).await.join(" | ")) });
    }
    let mut wrong = Vec::new();
    while let Some(ended) = running.join_next().await {
        match ended {
            Ok((told, seen)) if told == seen => {}
            Ok((told, seen)) => wrong.push(format!("README: {told}\nseen:   {seen}")),
            Err(panicked) => wrong.push(panicked.to_string()),
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// An issuer whose fault has begun, and a service that had its keys before.
struct Scene {
    fault: Fault,
    issuer: DemoIssuer,
    service: TestService,
    client: Client,
    /// Signed by a key from before the fault, and by one from after.
    old: String,
    new: String,
}

impl Scene {
    async fn begin(fault: Fault) -> Self {
        let listener = TcpListener::bind(own_address()).await.unwrap();
        let name = format!("http://{}/", listener.local_addr().unwrap());
        let issuer = DemoIssuer::start(listener, &name, AUDIENCE).await.unwrap();
        let service = TestService::start(&config(&name)).await;
        let client = service.client().await;
        let old = scoped(&issuer, "");
        assert_eq!(ask(&client, &old).await, "200", "{fault:?}");
        issuer.set_fault(Some(fault)).await.unwrap();
        let new = scoped(&issuer, "");
        Self { fault, issuer, service, client, old, new }
    }

    /// A service that starts now, and what a client of it gets.
    async fn cold_start(&self) -> (TestService, Client, String) {
        let service = TestService::launch(&config(self.issuer.issuer())).await;
        if self.fault != Fault::Stall {
            service.until_asked().await;
        }
        let client = service.client().await;
        let got = ask(&client, &self.new).await;
        assert_eq!(without_keys(&service).await, got.starts_with("503"), "{:?}: /readyz of a cold start", self.fault);
        (service, client, got)
    }

    /// What clients get for the known key, before a fetch and after, and for the new one; and how that fetch ended.
    async fn with_keys(&self) -> ([String; 3], String) {
        let Self { fault, issuer, service, client, .. } = self;
        let before = ask(client, &self.old).await;
        let fetches = outcomes(service).await;
        let mut new = ask(client, &self.new).await;
        let outcome = next_outcome(service, &fetches).await;
        if outcome == "success" && new.starts_with("503") {
            // A machine so loaded that a fetch took longer than a Check waits.
            new = ask(client, &self.new).await;
        }
        let after = ask(client, &self.old).await;
        assert!(!without_keys(service).await, "{fault:?}: known keys are kept");
        if (&*before, &*after, &*new) == ("200", "200", "200") {
            let reads = issuer.key_set_reads();
            let first = if is_in_metadata(*fault) { 1 } else { 2 };
            assert!(
                (first + 1..=first + 2).contains(&reads),
                "{fault:?}: first fetches and one for the new key, not {reads}"
            );
        }
        ([before, after, new], outcome)
    }
}

/// The row of a fault, as it is. `told` is the part of the error that the README quotes.
async fn seen(fault: Fault, told: &str, makers: &Semaphore) -> [String; 7] {
    let making = makers.acquire().await.unwrap();
    let scene = Scene::begin(fault).await;
    drop(making);
    let (cold_service, cold_client, cold) = scene.cold_start().await;
    let ([before, after, new], mut outcome) = scene.with_keys().await;
    let mut error = last_error(&scene.service).await;
    if is_in_metadata(fault) {
        assert_eq!(
            (outcome.as_str(), error.as_str()),
            ("success", "none"),
            "{fault:?}: the place of the keys is known"
        );
        outcome = next_outcome(&cold_service, &BTreeMap::new()).await;
        error = last_error(&cold_service).await;
    }
    scene.issuer.set_fault(None).await.unwrap();
    let all = [&before, &after, &new, &cold].map(String::as_str);
    let lasts = lasts([&scene.client, &cold_client], [&scene.old, &scene.new], all, &outcome).await;
    assert_eq!(last_error(&scene.service).await, "none", "{fault:?}: all is well again");
    let known = if before == after { before } else { format!("{before}, then {after}") };
    let error = if told != "none" && error.contains(told) { told.to_owned() } else { error };
    [format!("`{}`", fault.name()), known, new, cold, lasts, format!("`{outcome}`"), error]
}

/// Says whether the fault is in the metadata alone: a service that knows the place of the keys does not see it at once.
fn is_in_metadata(fault: Fault) -> bool {
    matches!(fault, Fault::OtherIssuer | Fault::ForbiddenKeys)
}

/// How long what was seen goes on after the fault has ended.
async fn lasts(clients: [&Client; 2], [old, new]: [&str; 2], seen: [&str; 4], outcome: &str) -> String {
    let most = if outcome == "success" { limits::FETCH_COOLDOWN } else { limits::FETCH_BACKOFF_MAX };
    let ended = Instant::now();
    for client in clients {
        while ask(client, new).await != "200" {
            assert!(ended.elapsed() < most + SLACK, "no recovery, {outcome}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
    if seen == ["200"; 4] {
        assert_eq!(ask(clients[0], old).await, "200");
        "nothing".to_owned()
    } else if ask(clients[0], old).await == "200" {
        format!("{} s at most", most.as_secs())
    } else {
        "for good".to_owned()
    }
}

/// What a client with that token gets: the status, and the reason of a denial.
async fn ask(client: &Client, token: &str) -> String {
    let got = client.send(&get("/api/private").bearer(token)).await;
    let challenged = got.header("www-authenticate").is_some();
    match got.status {
        200 => return "200".to_owned(),
        401 => assert!(challenged, "{got:?}"),
        503 => assert!(!challenged && got.header("retry-after").is_some(), "{got:?}"),
        _ => panic!("{got:?}"),
    }
    format!("{} `{}`", got.status, got.reason)
}

/// How often fetches have ended in each way.
async fn outcomes(service: &TestService) -> BTreeMap<String, u64> {
    let (_, text) = service.page("/metrics").await;
    let lines = text.lines().filter_map(|line| line.strip_prefix("portcullis_jwks_refresh_total{"));
    let count = |line: &str| -> (String, u64) {
        let (labels, count) = line.split_once("\"} ").unwrap();
        (labels.split_once("outcome=\"").unwrap().1.to_owned(), count.parse().unwrap())
    };
    lines.map(count).filter(|(_, count)| *count > 0).collect()
}

/// The way in which the next fetch ends.
async fn next_outcome(service: &TestService, before: &BTreeMap<String, u64>) -> String {
    let began = Instant::now();
    while began.elapsed() < limits::ATTEMPT_TIMEOUT + SLACK {
        let now = outcomes(service).await;
        let mut changed = now.iter().filter(|(outcome, count)| before.get(*outcome) != Some(count));
        if let Some((outcome, _)) = changed.next() {
            assert_eq!(changed.next(), None, "one way only");
            return outcome.clone();
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("no fetch ended");
}

async fn issuer_status(service: &TestService) -> Value {
    let (_, page) = service.page("/readyz").await;
    serde_json::from_str(&page).unwrap()
}

async fn last_error(service: &TestService) -> String {
    issuer_status(service).await["issuers"][0]["last_error"].as_str().unwrap_or("none").to_owned()
}

async fn without_keys(service: &TestService) -> bool {
    !issuer_status(service).await["issuers_without_keys"].as_array().unwrap().is_empty()
}

#[tokio::test]
async fn whatever_cache_control_says_keys_are_refreshed_within_bounds() {
    let fetch = HttpFetchers.fetcher(&Transport::default()).unwrap();
    let (least, most) = (*limits::KEYS_REFRESH_RANGE.start(), *limits::KEYS_REFRESH_RANGE.end());
    for (fault, expected) in [
        (None, limits::KEYS_REFRESH_AFTER),
        (Some(Fault::NoStore), least),
        (Some(Fault::MaxAge0), least),
        (Some(Fault::MaxAgeHuge), most),
        (Some(Fault::CacheGarbage), limits::KEYS_REFRESH_AFTER),
    ] {
        let issuer = crate::support::issuer().await;
        issuer.set_fault(fault).await.unwrap();
        let fetched =
            fetch.fetch(&format!("{}jwks", issuer.issuer()).parse().unwrap(), Loopback::Allowed).await.unwrap();
        let set = KeySet::parse(&fetched.body, &[Algorithm::RS256]).unwrap();
        let mut keys = IssuerKeys::awaiting_first_fetch(limits::KEYS_MAX_STALE);
        let now = Instant::now();
        keys.begin(now);
        keys.succeed(set, fetched.lifetime, 0.0, now);
        assert_eq!(keys.due(now), Due::At(now + expected), "{fault:?}");
    }
}

#[test]
fn the_times_in_the_text_are_the_limits() {
    let hours = |time: Duration| format!("{} h", time.as_secs() / 3600);
    assert_eq!(limits::KEYS_REFRESH_AFTER, Duration::from_secs(300));
    assert_eq!(limits::KEYS_REFRESH_RANGE, Duration::from_secs(60)..=Duration::from_secs(3600));
    for told in [
        "five minutes".to_owned(),
        "within one minute to one hour".to_owned(),
        "three quarters of the issuer's".to_owned(),
        format!("`max_stale`, {} unless", hours(limits::KEYS_MAX_STALE)),
        format!("within {} s, then", limits::FETCH_BACKOFF_MIN.as_secs()),
        format!("up to every {} s", limits::FETCH_BACKOFF_MAX.as_secs()),
        format!("{} fetches one after another", limits::FETCH_BURST),
        format!("one more every {} s", limits::FETCH_COOLDOWN.as_secs()),
        format!("for up to {} s", limits::FETCH_COOLDOWN.as_secs()),
        format!("{} Checks", limits::KEY_WAITERS),
        format!("every {} minutes", limits::METADATA_REFRESH_AFTER.as_secs() / 60),
        format!("younger than {} minutes", limits::KEYS_CONFIRMED.as_secs() / 60),
    ] {
        assert!(section().replace("\n  ", " ").contains(&told), "{told}");
    }
}
