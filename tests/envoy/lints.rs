//! What `check --envoy` warns of is real: this Envoy accepts each of the configurations, and does with them what the
//! lints say.

use std::{path::Path, process::Command};

use crate::{
    Stack, envoy_faults, envoy_restarts,
    support::{envoy::Version, scoped},
};

/// Says whether the newest Envoy accepts a configuration.
pub(crate) fn validate(dir: &Path, name: &str, text: &str) -> Result<(), String> {
    validate_by(Version::default(), dir, name, text)
}

/// Says whether an Envoy of that version accepts a configuration.
pub(crate) fn validate_by(version: Version, dir: &Path, name: &str, text: &str) -> Result<(), String> {
    let file = dir.join(name).with_extension("yaml");
    std::fs::write(&file, text).unwrap();
    let output =
        Command::new(version.program()).args(["--mode", "validate", "-l", "error", "-c"]).arg(&file).output().unwrap();
    let log = String::from_utf8_lossy(&output.stderr);
    if output.status.success() { Ok(()) } else { Err(format!("{name}: {log}")) }
}

#[test]
fn envoy_accepts_every_configuration_of_the_lints() {
    let dir = tempfile::tempdir().unwrap();
    let faulty = envoy_faults::FAULTS.iter().map(|(name, changes, _)| (*name, *changes));
    let all = faulty.chain(envoy_faults::HARMLESS.iter().copied());
    let texts = all.map(|(name, changes)| (name, envoy_faults::changed(name, changes)));
    let restarts = envoy_restarts::RESTART_FAULTS.iter().map(|fault| (fault.name, fault.text()));
    let mended = envoy_restarts::RESTART_FAULTS.iter().filter_map(|fault| {
        let found = portcullis::tools::envoy_lint::lint(&fault.text(), fault.name, None);
        Some((fault.name, fault.mended(found.problems().next()?.help_text()?)?))
    });
    let harmless = envoy_restarts::RESTART_HARMLESS
        .iter()
        .map(|(name, block, to)| (*name, envoy_faults::with_block(&envoy_faults::sample(), block, to)));
    let refused: Vec<String> = texts
        .chain(restarts)
        .chain(mended)
        .chain(harmless)
        .chain([
            ("misplaced-retries", envoy_restarts::misplaced_retries()),
            ("sample", envoy_faults::SAMPLE.to_owned()),
            ("ha", envoy_faults::HA.to_owned()),
            ("ha-by-name", envoy_faults::ha_by_name()),
        ])
        .chain(
            [("no-filter", ""), ("skipped", envoy_faults::SKIPPED)]
                .map(|(name, filter)| (name, envoy_faults::with_filter(filter))),
        )
        .filter_map(|(name, text)| validate(dir.path(), name, &text).err())
        .collect();
    assert_eq!(refused, Vec::<String>::new());
}

/// The changes of one of the faults.
pub(crate) fn changes(name: &str) -> &'static [(&'static str, &'static str)] {
    envoy_faults::FAULTS.iter().find(|(fault, _, _)| *fault == name).unwrap().1
}

#[tokio::test]
async fn these_faults_let_requests_without_a_token_reach_the_api() {
    for name in [
        "shadow-mode",
        "host-off",
        "route-off",
        "weighted-cluster-off",
        "partly-enabled-by-default",
        "enabled-by-metadata",
    ] {
        let stack = Stack::with(changes(name)).await;
        assert_eq!(stack.envoy.get("/api/private", None).await.status, 200, "{name}");
    }
}

#[tokio::test]
async fn every_spelling_of_fail_open_is_one() {
    for name in ["failure-mode-yes", "failure-mode-quoted", "failure-mode-camel"] {
        // HTTP/1 towards Portcullis: it can't be asked.
        let broken: Vec<_> = changes(name).iter().chain(changes("http1-cluster")).copied().collect();
        let stack = Stack::with(&broken).await;
        assert_eq!(stack.envoy.get("/api/private", None).await.status, 200, "{name}");
    }
}

#[tokio::test]
async fn these_faults_deny_a_request_with_a_good_token() {
    for (name, status) in [
        ("http1-cluster", 503),
        ("no-protocol", 503),
        ("missing-cluster", 503),
        ("odd-authority", 503),
        ("disallowed-headers", 401),
        // Were it a 200, everything would pass: see `ext_authz::only_grpc`.
        ("http-service", 415),
    ] {
        let stack = Stack::with(changes(name)).await;
        let token = scoped(&stack.issuer, "read:messages");
        assert_eq!(stack.envoy.get("/api/private", Some(&token)).await.status, status, "{name}");
    }
}

#[tokio::test]
async fn these_faults_let_a_client_forge_its_identity() {
    for (name, header) in
        [("mutation-rules", "x-auth-subject"), ("allowed-headers", "x.auth.subject"), ("host-off", "x-auth-subject")]
    {
        let stack = Stack::with(changes(name)).await;
        let answer = stack.envoy.send("GET", "/api/public", &[(header, "admin")]).await;
        assert_eq!(answer.seen_upstream(header).as_deref(), Some("admin"), "{name}");
    }
    let stack = Stack::with(changes("forged-identity")).await;
    let answer = stack.envoy.get("/api/public", None).await;
    assert_eq!(answer.seen_upstream("x_auth_subject").as_deref(), Some("admin"));
}
