//! The command line, run: each part of the demo, or all of it, until it is done or told to stop.

use std::{
    borrow::Cow,
    net::{Ipv4Addr, SocketAddr},
    process::ExitCode,
};

use clap::Parser as _;
use portcullis::printable;
use tokio::net::TcpListener;

use super::{
    args::{DemoArgs, IssuerArgs, Part, QuickstartArgs, UpstreamArgs},
    client::Client,
    error::DemoError,
    exit_codes::{FAILED, GOOD, USAGE},
    fault_script::{self, Seen},
    issuer::DemoIssuer,
    limits,
    quickstart::{self, Stack},
    screen::Screen,
    signals::StopSignals,
    stack,
    upstream::DemoUpstream,
};

/// Parses the arguments and runs what they name.
#[must_use]
pub fn main() -> ExitCode {
    let screen = Screen::new();
    let args = match DemoArgs::try_parse() {
        Ok(args) => args,
        Err(told) => return usage(screen, &told),
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            screen.note(format_args!("error: the runtime can't start: {error}"));
            return ExitCode::from(FAILED);
        }
    };
    let code = runtime.block_on(run(screen, args));
    // A name server that does not answer must not hold up the exit.
    runtime.shutdown_timeout(limits::EXIT_GRACE);
    ExitCode::from(code)
}

/// Prints what clap has to tell: help, a version, or an error, which repeats arguments.
fn usage(screen: Screen, told: &clap::Error) -> ExitCode {
    match printable::lines(&told.render().to_string()) {
        // In colours where they are wanted. A closed pipe is no error.
        Cow::Borrowed(_) => told.print().unwrap_or_default(),
        Cow::Owned(safe) => screen.note(safe.trim_end()),
    }
    ExitCode::from(u8::try_from(told.exit_code()).unwrap_or(USAGE))
}

/// Runs the demo, or a part of it.
async fn run(screen: Screen, args: DemoArgs) -> u8 {
    let result = match args.part {
        None => stack::run(screen, args.stack).await,
        Some(Part::Issuer(args)) => run_issuer(screen, args).await,
        Some(Part::Upstream(args)) => run_upstream(screen, args).await,
        Some(Part::Quickstart(args)) => run_quickstart(screen, args).await,
    };
    result.unwrap_or_else(|error| {
        screen.note(format_args!("error: {error}"));
        if matches!(error, DemoError::IssuerUrl(_)) { USAGE } else { FAILED }
    })
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
