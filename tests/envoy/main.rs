//! Behind a real Envoy with the sample configuration, in front of the sample upstream: the newest one that is supported, and in
//! `versions` the oldest one.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod after;
mod alerts;
mod authority;
mod corpus;
#[path = "../support/envoy_changes.rs"]
mod envoy_changes;
#[path = "../support/envoy_faults.rs"]
mod envoy_faults;
#[path = "../support/envoy_restarts.rs"]
mod envoy_restarts;
#[path = "../support/envoy_trees/mod.rs"]
mod envoy_trees;
#[path = "../support/envoy_verdict.rs"]
mod envoy_verdict;
mod headers;
mod hosts;
mod kubernetes;
mod lints;
#[cfg(target_os = "linux")]
mod name_server;
mod oidc_provider;
mod outage;
mod paths;
mod policy;
mod quickstart;
mod restarts;
mod spoofing;
mod trailers;
mod verdicts;
mod versions;

#[path = "../support/mod.rs"]
mod support;

use portcullis_demo::{issuer::DemoIssuer, upstream::DemoUpstream};
use support::{
    config,
    envoy::{Envoy, Version},
    service::TestService,
};
use tokio::net::TcpListener;

/// Issuer, service, upstream and Envoy, wired together.
struct Stack {
    issuer: DemoIssuer,
    envoy: Envoy,
    service: TestService,
    _upstream: DemoUpstream,
}

impl Stack {
    async fn start() -> Self {
        Self::with(&[]).await
    }

    /// With changes of Envoy's configuration.
    async fn with(changes: &[(&str, &str)]) -> Self {
        let issuer = support::issuer().await;
        let service = TestService::start(&config(issuer.issuer())).await;
        Self::of(issuer, service, changes).await
    }

    /// The same with a service of another configuration.
    async fn of(issuer: DemoIssuer, service: TestService, changes: &[(&str, &str)]) -> Self {
        Self::on(Version::default(), issuer, service, changes).await
    }

    /// Starts a stack with an Envoy of that version.
    async fn on(version: Version, issuer: DemoIssuer, service: TestService, changes: &[(&str, &str)]) -> Self {
        let upstream = upstream().await;
        let envoy = Envoy::start_version(version, service.grpc, upstream.addr(), changes).await;
        Self { issuer, envoy, service, _upstream: upstream }
    }
}

async fn upstream() -> DemoUpstream {
    DemoUpstream::start(TcpListener::bind("127.0.0.1:0").await.unwrap()).unwrap()
}
