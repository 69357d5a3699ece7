//! The list of everything that is made to fail around Portcullis, the most important scenarios first.

mod clients;
mod connections;
mod issuers;
mod logs;
mod processes;
mod reloads;
mod restarts;
mod rotations;

use std::{future::Future, pin::Pin, time::Duration};

use super::{
    Failure,
    load::Load,
    report::Outcome,
    stack::{Context, Stack},
};

/// The function that runs a scenario.
type Run = for<'c> fn(&'c Context) -> Pin<Box<dyn Future<Output = Result<Outcome, Failure>> + Send + 'c>>;

/// One failure, and how to run it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scenario {
    /// The name on the command line.
    pub(crate) name: &'static str,
    /// A description in one line.
    pub(crate) about: &'static str,
    /// Judged requests a second.
    pub(crate) rate: u32,
    /// The shortest time in which it means something.
    pub(crate) least: Duration,
    /// The share of ten minutes.
    pub(crate) usual: Duration,
    /// The function that does it.
    pub(crate) run: Run,
}

macro_rules! scenario {
    ($name:literal, $rate:literal / s, $least:literal to $usual:literal s, $run:path, $about:literal) => {
        Scenario {
            name: $name,
            about: $about,
            rate: $rate,
            least: Duration::from_secs($least),
            usual: Duration::from_secs($usual),
            run: |context| Box::pin($run(context)),
        }
    };
}

/// Every scenario, in the order in which they run.
pub(crate) const SCENARIOS: &[Scenario] = &[
    scenario!("restart", 500 / s, 13 to 100 s, restarts::as_in_the_sample,
        "two instances behind envoy/ha.yaml, restarted in turn"),
    scenario!("restart-health-checks", 500 / s, 18 to 115 s, restarts::health_checks_only,
        "the same with health checks every 2 s and no retries"),
    scenario!("streams-reset", 200 / s, 3 to 15 s, clients::streams_reset,
        "2,000 HTTP/2 streams a second taken back on one connection of a client"),
    scenario!("clients-leave", 200 / s, 3 to 15 s, clients::leave,
        "500 clients a second leave before their answer"),
    scenario!("log-reader-gone", 400 / s, 3 to 15 s, logs::reader_gone, "the log's pipe has no reader any more"),
    scenario!("log-not-read", 400 / s, 4 to 15 s, logs::not_read, "the log's pipe is not read"),
    scenario!("log-disk-full", 400 / s, 3 to 15 s, logs::disk_full, "the log's disk is full while keys rotate"),
    scenario!("rotation-false-signatures", 400 / s, 4 to 20 s, rotations::amid_false_signatures,
        "keys rotate twice amid 15 % of false signatures under known kids"),
    scenario!("issuer-hangs-flood", 200 / s, 8 to 16 s, issuers::hangs_amid_a_flood,
        "1,360 forged tokens a second for one of two issuers, which hangs"),
    scenario!("admin-connections", 200 / s, 5 to 20 s, connections::admin,
        "256 idle connections to the admin port with 256 file descriptors"),
    scenario!("restart-retries", 500 / s, 15 to 25 s, restarts::retries_only,
        "the same with retries and no health checks"),
    scenario!("rotation-unknown-kids", 400 / s, 9 to 24 s, rotations::amid_unknown_kids,
        "keys rotate twice amid 15 % of random unknown kids"),
    scenario!("grpc-connections", 200 / s, 5 to 15 s, connections::grpc,
        "256 used connections to the gRPC port with 256 file descriptors"),
    scenario!("idle-connections", 200 / s, 8 to 20 s, connections::thousands, "5,000 idle connections to the gRPC port"),
    scenario!("issuer-hangs-control", 200 / s, 8 to 14 s, issuers::hangs_amid_opaque_tokens,
        "the control of issuer-hangs-flood: as many opaque tokens"),
    scenario!("rotation-old-key-gone", 400 / s, 9 to 24 s, rotations::without_old_keys,
        "keys rotate twice and the old ones are gone at once"),
    scenario!("rotation-quiet", 400 / s, 4 to 12 s, rotations::quiet, "keys rotate twice without forged tokens"),
    scenario!("issuer-down", 400 / s, 9 to 14 s, issuers::down, "the issuer accepts no connection"),
    scenario!("issuer-500", 400 / s, 9 to 14 s, issuers::error, "the issuer answers 500"),
    scenario!("issuer-stalls", 400 / s, 9 to 14 s, issuers::stalls, "the issuer never answers"),
    scenario!("issuer-slow", 400 / s, 9 to 14 s, issuers::slow, "the issuer answers after 2 s"),
    scenario!("reload-good", 400 / s, 3 to 12 s, reloads::good, "a good file each second"),
    scenario!("reload-broken", 400 / s, 3 to 12 s, reloads::broken, "a broken file each second"),
    scenario!("sighup-storm", 400 / s, 3 to 12 s, reloads::hangups, "200 SIGHUPs a second"),
    scenario!("kill", 400 / s, 3 to 12 s, processes::killed, "kill -9 and a new start"),
    scenario!("kill-issuer-down", 400 / s, 4 to 12 s, processes::killed_without_issuer,
        "the same with keys_dir while the issuer is down"),
    scenario!("envoy-restart", 400 / s, 4 to 12 s, processes::envoy_restarted, "Envoy is restarted"),
    scenario!("freeze", 400 / s, 4 to 10 s, processes::frozen, "one instance stands still (SIGSTOP)"),
    scenario!("freeze-one-of-two", 300 / s, 10 to 15 s, processes::one_of_two_frozen,
        "one of two instances behind envoy/ha.yaml stands still"),
];

/// Ends the judged load and the stack.
async fn finish(stack: Stack, load: Load, mut outcome: Outcome) -> Result<Outcome, Failure> {
    outcome.tally = load.stop().await?;
    let details = stack
        .envoy
        .stats(&["http.ingress.ext_authz.error", "cluster.portcullis.upstream_rq_timeout", "overflow"])
        .await;
    outcome.notes.extend(details.into_iter().map(|line| format!("Envoy: {line}")));
    outcome.losses = stack.end(&outcome.tally).await?;
    Ok(outcome)
}

/// Ends an attack: none of its requests may have passed, and most of them must have been sent.
async fn end_flood(flood: Load, outcome: &mut Outcome) -> Result<(), Failure> {
    let tally = flood.stop().await?;
    let passed = tally.wrong_allows + tally.wrong_identities;
    outcome.require(passed == 0, || format!("{passed} requests of the flood passed: {:?}", tally.described));
    if tally.sent * 100 < tally.due * 80 {
        outcome.starved.push(format!("the flood sent {} of {} requests", tally.sent, tally.due));
    }
    let unanswered = tally.lost.iter().filter(|lost| lost.why.is_err()).count();
    outcome.notes.push(format!(
        "flood: {} requests, {unanswered} without an answer, p50 {:.0} ms, p99 {:.0} ms",
        tally.sent,
        tally.percentile(50),
        tally.percentile(99)
    ));
    Ok(())
}
