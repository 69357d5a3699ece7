//! `--fault`: when a fault begins and ends, and what to type to see it.

use std::{
    convert::Infallible,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::Duration,
};

use clap::Args;
use portcullis::config;

use super::{
    error::DemoError,
    fault::Fault,
    issuer::{DemoIssuer, TokenRequest},
    screen::{Look, Screen},
};

/// Where the admin page is unless configured otherwise.
pub(super) const DEFAULT_ADMIN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 9192);

/// A fault of the issuer, on the command line.
#[derive(Clone, Debug, Args)]
pub(super) struct FaultArgs {
    /// Lets the issuer fail in this way: its keys are then new, and hard to have
    #[arg(long, value_name = "NAME")]
    pub(super) fault: Option<Fault>,
    /// The fault begins so long after everything is up
    #[arg(long, value_name = "TIME", default_value = "10s", requires = "fault", value_parser = duration)]
    pub(super) fault_after: Duration,
    /// The fault ends after so long [default: it stays]
    #[arg(long, value_name = "TIME", requires = "fault", value_parser = duration)]
    pub(super) fault_for: Option<Duration>,
}

fn duration(text: &str) -> Result<Duration, &'static str> {
    config::parse_duration(text).ok_or("write a number with its unit: `500ms`, `10s`, `5m`")
}

/// Where the effect of a fault is seen.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen<'a> {
    /// An Envoy in front of the sample upstream, if the demo has one.
    pub(super) envoy: Option<&'a str>,
    /// The admin page of Portcullis.
    pub(super) admin: SocketAddr,
}

/// Lets the fault begin and end in its time. Returns only with an error.
pub(super) async fn run(
    screen: Screen,
    args: &FaultArgs,
    issuer: &DemoIssuer,
    seen: Seen<'_>,
) -> Result<Infallible, DemoError> {
    if let Some(fault) = args.fault {
        let (after, name) = (config::show_duration(args.fault_after), fault.name());
        screen.line(format_args!("\nthe fault `{name}` begins in {after}"));
        tokio::time::sleep(args.fault_after).await;
        issuer.set_fault(Some(fault)).await?;
        let token = issuer.mint(&TokenRequest::new().scope("read:messages"))?;
        tell(screen, fault, args.fault_for, &token, seen);
        if let Some(length) = args.fault_for {
            tokio::time::sleep(length).await;
            issuer.set_fault(None).await?;
            let ended = screen.paint(Look::Bold, &format!("the fault `{name}` has ended"));
            screen.line(format_args!("\n{ended}: $NEW is taken within half a minute, without a restart"));
        }
    }
    std::future::pending().await
}

fn tell(screen: Screen, fault: Fault, length: Option<Duration>, token: &str, seen: Seen<'_>) {
    let Seen { envoy, admin } = seen;
    let length =
        length.map_or_else(|| "until Ctrl-C".to_owned(), |length| format!("for {}", config::show_duration(length)));
    let begins = screen.paint(Look::Bold, &format!("the fault `{}` begins, {length}", fault.name()));
    screen.line(format_args!("\n{begins}: {}", fault.help()));
    screen.line(format_args!("a token signed by a key that Portcullis has not fetched:\n\nNEW='{token}'\n"));
    if let Some(envoy) = envoy {
        for (name, what) in [("TOKEN", "a key from before"), ("NEW", "a new key")] {
            screen.line(format_args!("curl -i {envoy}/api/private -H \"Authorization: Bearer ${name}\"    # {what}"));
        }
    }
    let outcome = fault.outcome();
    screen.line(format_args!("curl -s http://{admin}/metrics | grep jwks_refresh    # outcome=\"{outcome}\""));
    screen.line(format_args!("curl -s http://{admin}/readyz    # last_error"));
}
