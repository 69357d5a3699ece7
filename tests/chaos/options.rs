//! The command line of `make chaos`.

use std::{path::PathBuf, time::Duration};

use clap::Parser;

/// Breaks what is around Portcullis, behind a real Envoy, and judges every answer meanwhile.
#[derive(Clone, Debug, Parser)]
#[command(name = "chaos", version = None, after_help = HELP)]
pub(crate) struct Options {
    /// Time that all chosen scenarios take together, without their starts: 60s, 10m
    #[arg(long = "for", value_name = "DURATION", default_value = "10m", value_parser = duration)]
    pub(crate) time: Duration,
    /// A scenario to run, repeatable [default: as many as fit into the time, the most important ones first]
    #[arg(long, value_name = "NAME")]
    pub(crate) scenario: Vec<String>,
    /// Lists the scenarios and ends
    #[arg(long)]
    pub(crate) list: bool,
    /// Judged requests a second [default: the scenario's own rate times --intensity]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=5000))]
    pub(crate) rate: Option<u32>,
    /// A factor for all rates, those of the attacks included, for machines that can't hold them
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0, value_parser = intensity)]
    pub(crate) intensity: f64,
    /// File to which the results are written as JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// The seed of the order of requests [default: another one each time; it is printed]
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// The binary under test
    #[arg(long, value_name = "PATH", default_value = "target/release/portcullis")]
    pub(crate) portcullis: PathBuf,
    /// The Envoy to start
    #[arg(long, value_name = "PATH", default_value = "target/tools/bin/envoy")]
    pub(crate) envoy: PathBuf,
    /// Keeps the logs and configurations of every scenario in this directory
    #[arg(long, value_name = "DIR")]
    pub(crate) keep: Option<PathBuf>,
}

const HELP: &str = "\
Examples:
  make chaos                                           all of it, ten minutes
  make chaos CHAOS='--for 2m --scenario restart-retries'
  cargo test --locked --test chaos -- --list
  cargo test --locked --test chaos -- --for 30s --scenario clients-leave --scenario streams-reset --json /tmp/chaos.json

Every answer is judged: its status and challenge, and the identity that the upstream saw, for that very token.

  wrong allow   a request reached the upstream that must not, or with the identity of another token
  wrong deny    an answer of 4xx that is not the right one
  lost          no answer, or one of 5xx, where the scenario does not say that there can be none
  too slow      a lost one that the machine lost. Envoy or the client waited for its whole timeout, and meanwhile, by
                the kernel's account (/proc/PID/task/TID/schedstat), a thread of Portcullis was always ready to run and
                had no processor for most of the time, or Envoy's thread was never idle, or nothing at all ran on this
                machine; and Portcullis used less than half a processor, so that its own work is no excuse. An answer
                that Portcullis gave, a connection that broke, and what was lost sooner are never excused.

A scenario is invalid where more than 1 % of its requests were excused, or less than 95 % of them could be sent.

Exit codes: 0 every scenario is good
            1 a judgement failed, a scenario was invalid, or a part of it did not start
            2 the command line is wrong";

/// Parses `90s`, `10m` or `1m30s`.
fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is not a duration: 60s, 10m or 1m30s, from 1s to 24h");
    let (mut total, mut digits) = (0_u64, String::new());
    for c in text.chars() {
        let unit = match c {
            '0'..='9' => {
                digits.push(c);
                continue;
            }
            's' => 1,
            'm' => 60,
            'h' => 3600,
            _ => return Err(wrong()),
        };
        let count: u64 = digits.parse().map_err(|_| wrong())?;
        total = count.checked_mul(unit).and_then(|seconds| total.checked_add(seconds)).ok_or_else(wrong)?;
        digits.clear();
    }
    if digits.is_empty() && (1..=86_400).contains(&total) { Ok(Duration::from_secs(total)) } else { Err(wrong()) }
}

fn intensity(text: &str) -> Result<f64, String> {
    let factor = text.parse().ok().filter(|factor| (0.05..=10.0).contains(factor));
    factor.ok_or_else(|| "a factor from 0.05 to 10".to_owned())
}
