//! Spellings of protected paths, sent byte by byte through real Envoys and straight to the service. The law: whatever
//! reached the upstream, if the laxest backend could take it for something protected, its token had the scope.
//!
//! `spellings.yaml` is the list, `record.tsv` says who refused what.

mod arena;
mod backend;
mod client;
mod differential;
mod direct;
mod lax;
mod middle;
mod policy;
mod record;
mod spelling;

use std::fmt::Write as _;

use futures_util::{StreamExt as _, stream};

use self::{
    arena::{Arena, HOLE, Setup},
    backend::Arrived,
    policy::{PROTECTED, SCOPE, policies, protected_reading},
    spelling::{Spelling, spellings},
};
use crate::support::{issuer, scoped, service::TestService};

/// How many requests are on their way at once.
const AT_ONCE: usize = 8;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_spelling_of_a_protected_path_reaches_the_upstream_without_its_scope() {
    let (issuer, spellings) = (issuer().await, spellings());
    let lacking = scoped(&issuer, "public admin.read");
    let mut table = vec![Vec::new(); spellings.len()];
    let mut columns = Vec::new();
    for (name, config) in policies(issuer.issuer()) {
        let service = TestService::start(&config).await;
        let direct = direct::Direct::connect(service.grpc).await;
        columns.push(format!("service {name}"));
        let all = outcomes(&spellings, &lacking, async |spelling, token, _| direct.outcome(spelling, token).await);
        table.iter_mut().zip(all.await).for_each(|(row, outcome)| row.push(outcome));
        for setup in [Setup::sample(), Setup::bare()] {
            let arena = Arena::start(service.grpc, &setup).await;
            columns.push(format!("{} {name}", setup.name));
            let all = outcomes(&spellings, &lacking, async |spelling, token, case| {
                arena.outcome(&spelling.request(case, token), case).await
            });
            table.iter_mut().zip(all.await).for_each(|(row, outcome)| row.push(outcome));
            arena.nothing_arrived_unnamed();
        }
    }
    let holes = spellings.iter().zip(&table).filter(|(_, row)| row.iter().any(|outcome| outcome.starts_with(HOLE)));
    let holes: Vec<_> = holes.collect();
    assert!(holes.is_empty(), "{} holes: {holes:#?}", holes.len());
    record::compare(&spellings, &columns, &table);
}

/// What became of each, by name; the same with a token that lacks the scope but for the reason.
async fn outcomes(
    spellings: &[Spelling],
    lacking: &str,
    send: impl AsyncFn(&Spelling, Option<&str>, &str) -> String,
) -> Vec<String> {
    let send = &send;
    let each = stream::iter(spellings.iter().enumerate()).map(|(index, spelling)| async move {
        let without = send(spelling, None, &format!("{index}-none")).await;
        let with = send(spelling, Some(lacking), &format!("{index}-lacking")).await;
        let expected = without.replace("401 no_credentials", "403 insufficient_scope");
        assert_eq!(with, expected, "{spelling:?}: with a token that lacks the scope");
        without
    });
    each.buffered(AT_ONCE).collect().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_plain_requests_pass_with_the_scope_and_only_with_it() {
    let issuer = issuer().await;
    let (enough, lacking) = (scoped(&issuer, SCOPE), scoped(&issuer, "public"));
    for (name, config) in policies(issuer.issuer()) {
        let service = TestService::start(&config).await;
        for setup in [Setup::sample(), Setup::bare()] {
            let arena = Arena::start(service.grpc, &setup).await;
            for (index, (method, host, path)) in PROTECTED.into_iter().enumerate() {
                let headers = vec![format!("host: {host}")];
                let plain = Spelling { send: format!("{method} {path}"), headers, about: String::new(), odd: false };
                let mut outcomes = Vec::new();
                for token in [None, Some(&*lacking), Some(&*enough)] {
                    let case = format!("{index}-{}", outcomes.len());
                    // With the scope it may arrive, and it does: so a denial is not for want of a working upstream.
                    outcomes.push(arena.outcome_of_any(&plain.request(&case, token), &case).await);
                }
                let [none, lacking, enough] = outcomes.as_slice() else { panic!("three tokens") };
                assert_eq!(none, "portcullis 401 no_credentials", "{name} {plain:?}");
                assert_eq!(lacking, "portcullis 403 insufficient_scope", "{name} {plain:?}");
                assert!(enough.starts_with("upstream by "), "{name} {plain:?}: {enough}");
            }
        }
    }
}

#[test]
fn every_spelling_is_one_of_something_protected_and_says_what_it_is_about() {
    let spellings = spellings();
    assert!(spellings.len() >= 250, "{}", spellings.len());
    let mut faults = String::new();
    for (index, spelling) in spellings.iter().enumerate() {
        let (method, target, _) = spelling.request_line();
        let headers = spelling.header_lines();
        let headers = headers.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value)).collect();
        let reading = protected_reading(&Arrived { method, target, headers });
        if reading.is_none() != spelling.odd {
            writeln!(faults, "read as {reading:?}, odd: {}: {}", spelling.odd, spelling.send).unwrap();
        }
        let same = |other: &Spelling| other.send == spelling.send && other.headers == spelling.headers;
        if spelling.about.is_empty() || spellings[..index].iter().any(same) {
            writeln!(faults, "twice, or about nothing: {}", spelling.send).unwrap();
        }
    }
    assert!(faults.is_empty(), "{faults}");
}
