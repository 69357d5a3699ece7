//! `portcullis demo`: everything for trying Portcullis out on one machine. Never reachable from `serve`, and nothing
//! else in the crate uses it.
//!
//! `demo issuer` gives a token to anybody who asks ([`issuer`]) and fails on order ([`issuer::Fault`]), `demo upstream` is a backend without authorization
//! code ([`upstream`]), `demo quickstart` sends requests to a running stack and checks the answers, and bare `demo`
//! starts all of it with Portcullis and a real Envoy in between.

mod alg;
mod args;
mod child;
mod client;
mod document;
mod endpoint;
mod error;
mod fault;
mod fault_script;
pub mod issuer;
mod keys;
mod ports;
mod quickstart;
mod samples;
mod screen;
mod server;
mod signals;
mod stack;
mod token;
mod token_endpoint;
pub mod upstream;
mod work_dir;

use std::{
    net::{Ipv4Addr, SocketAddr},
    process::ExitCode,
};

use tokio::net::TcpListener;

pub use self::{args::DemoArgs, error::DemoError};
use self::{
    args::{IssuerArgs, Part, QuickstartArgs, UpstreamArgs},
    client::Client,
    fault_script::Seen,
    issuer::DemoIssuer,
    quickstart::Stack,
    screen::Screen,
    signals::StopSignals,
    upstream::DemoUpstream,
};

/// Everything went as it should.
const GOOD: u8 = 0;
/// An answer was not the expected one, or a part failed.
const FAILED: u8 = 1;
/// The command line can't be followed.
const USAGE: u8 = 2;

/// Runs the demo, or a part of it, until it is done or told to stop.
pub async fn run(args: DemoArgs) -> ExitCode {
    let screen = Screen::new();
    let result = match args.part {
        None => stack::run(screen, args.stack).await,
        Some(Part::Issuer(args)) => run_issuer(screen, args).await,
        Some(Part::Upstream(args)) => run_upstream(screen, args).await,
        Some(Part::Quickstart(args)) => run_quickstart(screen, args).await,
    };
    let code = result.unwrap_or_else(|error| {
        screen.note(format_args!("error: {error}"));
        if matches!(error, DemoError::IssuerUrl(_)) { USAGE } else { FAILED }
    });
    ExitCode::from(code)
}

async fn run_issuer(screen: Screen, args: IssuerArgs) -> Result<u8, DemoError> {
    let mut signals = StopSignals::new()?;
    let listener = listen(args.listen).await?;
    let addr = listener.local_addr().map_err(DemoError::Listener)?;
    let name = args.issuer.unwrap_or_else(|| own_url(addr));
    let issuer = DemoIssuer::start(listener, &name, &args.audience).await?;
    screen.note(format_args!(
        "demo issuer {name} on {addr}: for trying things out only, it issues tokens to anybody; \
         its keys are new at every start"
    ));
    warn_if_open(screen, addr, "anybody who reaches this address gets tokens");
    // Nobody knows where Portcullis is: its default address will do for the lines to paste.
    let seen = Seen { envoy: None, admin: fault_script::DEFAULT_ADMIN };
    let result = tokio::select! {
        () = signals.wait() => Ok(GOOD),
        Err(error) = fault_script::run(screen, &args.fault, &issuer, seen) => Err(error),
    };
    issuer.shutdown().await;
    result
}

async fn run_upstream(screen: Screen, args: UpstreamArgs) -> Result<u8, DemoError> {
    let mut signals = StopSignals::new()?;
    let upstream = DemoUpstream::start(listen(args.listen).await?)?;
    screen
        .note(format_args!("sample upstream on {}: it has no authorization code and echoes headers", upstream.addr()));
    warn_if_open(screen, upstream.addr(), "anybody who reaches this address gets past Envoy");
    signals.wait().await;
    upstream.shutdown().await;
    Ok(GOOD)
}

async fn run_quickstart(screen: Screen, args: QuickstartArgs) -> Result<u8, DemoError> {
    let stack = Stack { envoy: args.envoy, issuer: args.issuer, audience: args.audience };
    let good = quickstart::run(screen, &Client::new()?, &stack).await?;
    Ok(if good { GOOD } else { FAILED })
}

/// The URL under which this machine reaches an issuer on `addr`.
fn own_url(addr: SocketAddr) -> String {
    let reached = if addr.ip().is_unspecified() { (Ipv4Addr::LOCALHOST, addr.port()).into() } else { addr };
    format!("http://{reached}/")
}

async fn listen(addr: SocketAddr) -> Result<TcpListener, DemoError> {
    TcpListener::bind(addr).await.map_err(|source| DemoError::Bind { addr, source })
}

fn warn_if_open(screen: Screen, addr: SocketAddr, why: &str) {
    if !addr.ip().is_loopback() {
        screen.note(format_args!("warning: {addr} is not a loopback address: {why}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_without_a_name_is_called_by_its_address() {
        for (addr, url) in [
            ("127.0.0.1:9400", "http://127.0.0.1:9400/"),
            ("0.0.0.0:1", "http://127.0.0.1:1/"),
            ("[::]:1", "http://127.0.0.1:1/"),
            ("[::1]:1", "http://[::1]:1/"),
        ] {
            assert_eq!(own_url(addr.parse().unwrap()), url);
        }
    }
}
