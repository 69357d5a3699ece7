//! The command line of `portcullis-demo`.

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, Parser, Subcommand};

use super::fault_script::FaultArgs;

/// The audience of the quickstart.
const AUDIENCE: &str = "https://api.example.com";

/// Try Portcullis out: an issuer, a sample upstream, Portcullis and a real Envoy on this machine.
#[derive(Debug, Parser)]
#[command(name = "portcullis-demo", version, args_conflicts_with_subcommands = true, max_term_width = 100)]
#[command(after_help = "Example:\n  portcullis-demo --once --envoy-bin target/tools/bin/envoy\n  \
    portcullis-demo --envoy-bin target/tools/bin/envoy --fault stall --fault-for 30s")]
pub(super) struct DemoArgs {
    #[command(subcommand)]
    pub(super) part: Option<Part>,
    #[command(flatten)]
    pub(super) stack: StackArgs,
}

/// Everything at once.
#[derive(Debug, Args)]
pub(super) struct StackArgs {
    /// Send the quickstart's requests and end, with exit code 1 unless every answer was the expected one
    #[arg(long, conflicts_with = "fault")]
    pub(super) once: bool,
    /// The Envoy to start
    #[arg(long, value_name = "PATH", default_value = "envoy")]
    pub(super) envoy_bin: PathBuf,
    /// The Portcullis to start [default: the one beside this program, or else `portcullis` of the PATH]
    #[arg(long, value_name = "PATH")]
    pub(super) portcullis_bin: Option<PathBuf>,
    #[command(flatten)]
    pub(super) fault: FaultArgs,
}

/// One part alone.
#[derive(Debug, Subcommand)]
pub(super) enum Part {
    /// An issuer that gives a token to anybody who asks: for trying things out only
    Issuer(IssuerArgs),
    /// A backend without authorization code, which tells what arrived
    Upstream(UpstreamArgs),
    /// Send the quickstart's requests to a running stack and check the answers
    Quickstart(QuickstartArgs),
}

#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  portcullis-demo issuer --listen 127.0.0.1:9400 --issuer http://127.0.0.1:9400/\n  \
    curl http://127.0.0.1:9400/token -d grant_type=client_credentials -d scope=read:messages\n  \
    curl http://127.0.0.1:9400/token -d grant_type=client_credentials --data-urlencode 'claims={\"org_id\": \"acme\"}'\n  \
    portcullis-demo issuer --fault rotate --fault-after 30s\n\n\
    What may be asked of /token beside: audience, claims (a JSON object; null takes one away), client_id, sub, \
    expires_in (seconds), alg."
)]
pub(super) struct IssuerArgs {
    /// Where to listen
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:9400")]
    pub(super) listen: SocketAddr,
    /// The exact `iss` of its tokens, under which it must be reachable [default: http://ADDR/]
    #[arg(long, value_name = "URL")]
    pub(super) issuer: Option<String>,
    /// The `aud` of tokens that ask for no other
    #[arg(long, value_name = "AUDIENCE", default_value = AUDIENCE)]
    pub(super) audience: String,
    #[command(flatten)]
    pub(super) fault: FaultArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  portcullis-demo upstream --listen 127.0.0.1:8080\n  \
    curl http://127.0.0.1:8080/api/private")]
pub(super) struct UpstreamArgs {
    /// Where to listen
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    pub(super) listen: SocketAddr,
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  portcullis-demo quickstart --envoy http://127.0.0.1:10000 \
    --issuer http://127.0.0.1:9400/")]
pub(super) struct QuickstartArgs {
    /// Where Envoy answers
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:10000")]
    pub(super) envoy: String,
    /// Where the demo issuer answers
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:9400/")]
    pub(super) issuer: String,
    /// The audience that Portcullis expects
    #[arg(long, value_name = "AUDIENCE", default_value = AUDIENCE)]
    pub(super) audience: String,
}

impl StackArgs {
    /// The audience of the sample configuration.
    pub(super) const AUDIENCE: &'static str = AUDIENCE;
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::fault::Fault;

    fn parse(line: &str) -> Result<DemoArgs, clap::error::ErrorKind> {
        let parsed = DemoArgs::try_parse_from(std::iter::once("demo").chain(line.split_whitespace()));
        parsed.map_err(|error| error.kind())
    }

    #[test]
    fn every_part_and_the_whole_parse() {
        let whole = parse("--once --envoy-bin /opt/envoy --portcullis-bin /opt/portcullis").unwrap();
        assert!(whole.part.is_none() && whole.stack.once);
        assert_eq!(whole.stack.envoy_bin, PathBuf::from("/opt/envoy"));
        assert_eq!(whole.stack.portcullis_bin, Some(PathBuf::from("/opt/portcullis")));
        assert!(matches!(parse("issuer").unwrap().part, Some(Part::Issuer(IssuerArgs { issuer: None, .. }))));
        assert!(matches!(parse("upstream --listen 0.0.0.0:80").unwrap().part, Some(Part::Upstream(_))));
        assert!(matches!(parse("quickstart --envoy http://e").unwrap().part, Some(Part::Quickstart(_))));
    }

    #[test]
    fn a_fault_has_a_beginning_and_may_have_an_end() {
        for (line, after, end) in [
            ("--fault max-age-0", 10, None),
            ("--fault max-age-0 --fault-after 0s --fault-for 1m30s", 0, Some(Duration::from_secs(90))),
        ] {
            let whole = parse(line).unwrap().stack.fault;
            let Some(Part::Issuer(alone)) = parse(&format!("issuer {line}")).unwrap().part else { panic!("{line}") };
            for args in [whole, alone.fault] {
                assert_eq!(args.fault, Some(Fault::MaxAge0));
                assert_eq!((args.fault_after, args.fault_for), (Duration::from_secs(after), end));
            }
        }
        assert_eq!(parse("").unwrap().stack.fault.fault, None);
    }

    #[test]
    fn what_does_not_belong_is_refused() {
        for wrong in
            ["--fault", "--fault stal", "--fault-for 3s", "--fault stall --fault-for 3", "--once --fault stall"]
        {
            assert!(parse(wrong).is_err() && parse(&format!("issuer {wrong}")).is_err(), "{wrong}");
        }
        for wrong in ["other", "--once issuer", "issuer --once", "upstream --listen nowhere"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn every_help_has_an_example() {
        for part in ["", "issuer", "upstream", "quickstart"] {
            let line = ["demo", part, "--help"].into_iter().filter(|word| !word.is_empty());
            let help = DemoArgs::try_parse_from(line).unwrap_err().to_string();
            assert!(help.contains("Example:\n  portcullis-demo"), "{help}");
        }
    }
}
