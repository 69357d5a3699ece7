//! `make chaos`: what is around Portcullis fails, behind a real Envoy, and every answer is judged.
//!
//! [`scenarios`] lists what fails. Each builds a [`stack`] of real processes, sends a [`load`] made of a [`mix`] of good and
//! bad requests through it, breaks something, and hands back what the [`judge`] found. `--help` says what counts as lost.

mod envoy;
mod http1;
mod http2;
mod issuer;
mod judge;
mod load;
mod mix;
mod options;
mod process;
mod random;
mod report;
mod sampler;
mod scenarios;
mod stack;
mod tokens;
mod verdict;

use std::{
    error::Error,
    io::Write as _,
    process::{ExitCode, Stdio},
    time::Duration,
};

use clap::Parser as _;
use options::Options;
use report::Line;
use scenarios::{SCENARIOS, Scenario};
use stack::Context;
use verdict::Ending;

/// The reason why a scenario could not run.
pub(crate) type Failure = Box<dyn Error + Send + Sync>;

const FAILED: u8 = 1;
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let options = match Options::try_parse() {
        Ok(options) => options,
        Err(error) => {
            // A closed terminal must not change the exit code.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(USAGE));
        }
    };
    match start(options) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "error: {error}");
            ExitCode::from(FAILED)
        }
    }
}

fn start(options: Options) -> Result<u8, Failure> {
    if options.list {
        let mut out = std::io::stdout().lock();
        for scenario in SCENARIOS {
            writeln!(
                out,
                "{:<26} {:>5}/s {:>4}s  {}",
                scenario.name,
                scenario.rate,
                scenario.least.as_secs(),
                scenario.about
            )?;
        }
        return Ok(0);
    }
    for name in &options.scenario {
        if !SCENARIOS.iter().any(|scenario| scenario.name == name) {
            writeln!(std::io::stderr(), "error: there is no scenario `{name}`: --list shows all of them")?;
            return Ok(USAGE);
        }
    }
    for (what, path) in [("portcullis", &options.portcullis), ("envoy", &options.envoy)] {
        if !path.is_file() {
            return Err(
                format!("--{what} {} is no file: `make build` and `make tools` bring both", path.display()).into()
            );
        }
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(run(options))
}

async fn run(options: Options) -> Result<u8, Failure> {
    raise_descriptors();
    let seed = options.seed.unwrap_or_else(rand::random);
    let chosen = choose(&options);
    report::progress(&format!("{} scenarios, seed {seed}", chosen.len()));
    let mut lines = Vec::new();
    for (at, (scenario, time)) in chosen.iter().enumerate() {
        report::progress(&format!(
            "{}/{} {}, {} s: {}",
            at + 1,
            chosen.len(),
            scenario.name,
            time.as_secs(),
            scenario.about
        ));
        let mut context =
            Context { options: options.clone(), time: *time, rate: 1, seed: seed.wrapping_add(at as u64) };
        context.rate = options.rate.unwrap_or_else(|| context.scaled(scenario.rate));
        if let Some(keep) = &mut context.options.keep {
            keep.push(scenario.name);
        }
        // A scenario that hangs is one that failed: what it started ends with it.
        let limit = *time * 2 + Duration::from_secs(120);
        let outcome = match tokio::time::timeout(limit, (scenario.run)(&context)).await {
            Ok(outcome) => outcome.map_err(|error| error.to_string()),
            Err(_) => Err(format!("it did not end within {} s", limit.as_secs())),
        };
        lines.push(Line { name: scenario.name, outcome });
    }
    report::progress("");
    report::print(&lines)?;
    if let Some(file) = &options.json {
        std::fs::write(file, format!("{:#}\n", report::to_json(&lines, seed)))?;
    }
    Ok(if lines.iter().all(|line| line.ending() == Ending::Good) { 0 } else { FAILED })
}

/// Chooses scenarios and gives each its time: those that were named, or those that fit, the first ones first.
fn choose(options: &Options) -> Vec<(&'static Scenario, Duration)> {
    let named: Vec<&Scenario> =
        SCENARIOS.iter().filter(|scenario| options.scenario.iter().any(|name| name == scenario.name)).collect();
    let mut chosen = Vec::new();
    let mut least = Duration::ZERO;
    for scenario in if named.is_empty() { SCENARIOS.iter().collect() } else { named.clone() } {
        if !named.is_empty() || least + scenario.least <= options.time {
            least += scenario.least;
            chosen.push(scenario);
        }
    }
    // More time than they need at the least is shared as in ten minutes.
    let extra: Duration = chosen.iter().map(|scenario| scenario.usual - scenario.least).sum();
    let factor = options.time.saturating_sub(least).as_secs_f64() / extra.as_secs_f64().max(1.0);
    let time = |scenario: &Scenario| scenario.least + (scenario.usual - scenario.least).mul_f64(factor);
    chosen.into_iter().map(|scenario| (scenario, time(scenario))).collect()
}

/// Raises this process's own limit of file descriptors: thousands of connections are opened.
fn raise_descriptors() {
    let pid = std::process::id().to_string();
    // Where it can't be raised, the scenario that needs it says so.
    let _ =
        std::process::Command::new("prlimit").args(["--pid", &pid, "--nofile=16384:"]).stderr(Stdio::null()).status();
}
