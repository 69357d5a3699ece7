//! `portcullis health`: is a running instance well? For Docker's HEALTHCHECK and for exec probes: images without a shell have no
//! curl either.

mod answer;
mod dial;
mod grpc;
mod http;

use std::{process::ExitCode, time::Duration};

use serde_json::json;
use tokio::{runtime, time};

use self::{answer::Answer, dial::Target};
use super::{
    config_file::ConfigArgs,
    environment,
    exit_code::{FAILED, USAGE},
    output,
};
use crate::{
    config::{self, HealthAddress},
    limits,
};

/// Asks a running instance for its health.
#[derive(Debug, clap::Args)]
#[command(override_usage = "\
portcullis health [OPTIONS] [FILE]
       portcullis health [OPTIONS] --config <FILE>")]
#[command(after_help = "\
Examples:
  portcullis health
  portcullis health --live --timeout 900ms
  portcullis health portcullis.yaml --format json

Healthy means ready: every thread that answers Checks shows signs of life (/healthz), and the
service takes requests (/readyz). While it stops, it is not. With --live, signs of life are enough:
for probes that restart what fails. An issuer that can't be reached is no reason for a restart.

The address is that of `listen.admin`, from the file and the variables that `serve` takes. Where
it is `off`, gRPC health is asked on `listen.grpc`, which is good also while there are no keys yet.
0.0.0.0 and [::] are asked on loopback. Nothing else of the file matters, and PORTCULLIS_LISTEN__ADMIN=127.0.0.1:9192 makes it needless: then a
file that is broken by a change, which `serve` refuses to load, does not count as bad health.

One line says what was found.

Exit codes: 0 healthy
            1 not healthy, no answer in time, or something else answered
            2 the command line, or what the configuration says about `listen`, is wrong")]
pub(super) struct HealthArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// Asks for signs of life alone: one that is starting or stopping is healthy as well
    #[arg(long)]
    live: bool,
    /// The time for the whole answer, 1ms to 1m
    #[arg(long, value_name = "TIME", value_parser = timeout, default_value = "2s")]
    timeout: Duration,
    /// The form in which the answer is printed
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// The form in which the answer is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For people
    Text,
    /// For programs
    Json,
}

fn timeout(text: &str) -> Result<Duration, String> {
    let timeout = config::parse_duration(text).filter(|timeout| limits::HEALTH_TIMEOUT_RANGE.contains(timeout));
    timeout.ok_or_else(|| "a time from 1ms to 1m, written as a whole number with its unit: `500ms`, `2s`".to_owned())
}

pub(super) fn run(args: &HealthArgs) -> ExitCode {
    let environment = environment::read();
    let address = match config::health_address(args.config.path(&environment), &environment) {
        Ok(address) => address,
        Err(problems) => {
            output::problems(&problems);
            return ExitCode::from(USAGE);
        }
    };
    let Some(target) = Target::of(&address) else {
        let field = if matches!(address, HealthAddress::Admin(_)) { "listen.admin" } else { "listen.grpc" };
        output::error(&format!("port 0 in `{field}` is another one at each start: write the port that is to be asked"));
        return ExitCode::from(USAGE);
    };
    // One thread is enough, and starts faster.
    let runtime = match runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            output::error(&format!("the runtime can't start: {error}"));
            return ExitCode::from(FAILED);
        }
    };
    let answer = runtime.block_on(ask(&address, &target, args.live, args.timeout));
    print(&answer, args.format);
    if answer.is_healthy { ExitCode::SUCCESS } else { ExitCode::from(FAILED) }
}

async fn ask(address: &HealthAddress, target: &Target, live: bool, most: Duration) -> Answer {
    let asking = async {
        match address {
            HealthAddress::Admin(_) => http::ask(target, live).await,
            HealthAddress::Grpc(_) => grpc::ask(target, live).await,
        }
    };
    time::timeout(most, asking).await.unwrap_or_else(|_| Answer {
        is_healthy: false,
        asked: target.to_string(),
        found: format!("no answer within {}", config::show_duration(most)),
    })
}

fn print(answer: &Answer, format: Format) {
    let Answer { is_healthy, asked, found } = answer;
    match format {
        Format::Text => {
            let word = if *is_healthy { "healthy" } else { "not healthy" };
            output::line(&format!("{word}: {asked}: {found}"));
        }
        Format::Json => output::json(&json!({ "healthy": is_healthy, "asked": asked, "found": found })),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_timeout_is_bounded() {
        for (text, millis) in [("1ms", 1), ("900ms", 900), ("2s", 2000), ("1m", 60_000)] {
            assert_eq!(timeout(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for wrong in ["", "0s", "2", "61s", "1.5s", "soon"] {
            assert!(timeout(wrong).unwrap_err().starts_with("a time from 1ms to 1m"), "{wrong}");
        }
    }
}
