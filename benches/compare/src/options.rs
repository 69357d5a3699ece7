//! What is asked for on the command line.

use std::{path::PathBuf, time::Duration};

use crate::{
    process,
    yardstick::{Arguments, Failure},
};

/// What can be measured, in the order in which it is.
pub const ROWS: [&str; 8] = ["hot", "cold", "mixed", "cores", "routes", "instructions", "memory", "envoy"];

/// The text of `--help`.
pub const HELP: &str = "Portcullis beside other services: `make bench`, or

  compare [--only hot,cold,mixed,cores,routes,instructions,memory,envoy] [--seconds 2] [--rounds 5]
          [--connections 4] [--streams 64] [--portcullis target/release/portcullis] [--envoy target/tools/bin/envoy]
          [--out target/bench] [--server-core N] [--client-core N] [--smoke]

--seconds and --rounds are those of the hot row; three rounds, or fewer, for the others. --smoke tries the harness, not the
services: one round of 0.2 s, no Envoy, no valgrind. Exit code 1: a verdict was wrong, a server failed, or the figure of a goal
is not there. Missing a goal is no failure: speed is a matter of the machine. Nor is it one that there is no valgrind, unless
`--only` asks for instructions.
";

/// The same, read.
#[derive(Clone, Debug)]
pub struct Options {
    /// Which rows.
    pub only: Vec<String>,
    /// They were named, and are not what is measured unless something else is said.
    pub named: bool,
    /// Of one measurement.
    pub time: Duration,
    /// Before each measurement.
    pub warmup: Duration,
    /// Rounds of the hot row.
    pub rounds: usize,
    /// Connections to a server.
    pub connections: usize,
    /// Calls at once on each.
    pub streams: usize,
    /// The service itself.
    pub portcullis: PathBuf,
    /// Envoy itself.
    pub envoy: PathBuf,
    /// Where results, logs and tokens go.
    pub out: PathBuf,
    /// The core of the server.
    pub server_core: String,
    /// The core of the client.
    pub client_core: String,
    /// The harness is tried, not the services.
    pub smoke: bool,
}

impl Options {
    /// Of those arguments.
    ///
    /// # Errors
    /// Where one is unknown or malformed.
    pub fn of(arguments: &Arguments) -> Result<Self, Failure> {
        const NAMES: [&str; 11] = [
            "only",
            "seconds",
            "rounds",
            "connections",
            "streams",
            "portcullis",
            "envoy",
            "out",
            "server-core",
            "client-core",
            "smoke",
        ];
        if let Some(name) = arguments.names().find(|name| !NAMES.contains(name)) {
            return Err(format!("there is no option `--{name}`\n\n{HELP}").into());
        }
        let smoke = arguments.get("smoke").is_ok();
        let text = |name, default: &str| arguments.get(name).unwrap_or(default).to_owned();
        let seconds: f64 = text("seconds", if smoke { "0.2" } else { "2" }).parse()?;
        // Envoy and valgrind are no part of what a machine that only tries the harness must have.
        let all = if smoke { "hot,cold,mixed,cores,routes,memory".to_owned() } else { ROWS.join(",") };
        let only: Vec<String> = text("only", &all).split(',').map(str::to_owned).collect();
        if let Some(name) = only.iter().find(|name| !ROWS.contains(&name.as_str())) {
            return Err(format!("there is no row `{name}`: {}", ROWS.join(", ")).into());
        }
        let cores = process::two_cores();
        Ok(Self {
            only,
            named: arguments.get("only").is_ok(),
            time: Duration::from_secs_f64(seconds),
            warmup: Duration::from_secs_f64((seconds / 4.0).min(0.5)),
            rounds: text("rounds", if smoke { "1" } else { "5" }).parse()?,
            connections: text("connections", "4").parse()?,
            streams: text("streams", "64").parse()?,
            portcullis: text("portcullis", "target/release/portcullis").into(),
            envoy: text("envoy", "target/tools/bin/envoy").into(),
            out: text("out", "target/bench").into(),
            server_core: text("server-core", &cores.0),
            client_core: text("client-core", &cores.1),
            smoke,
        })
    }

    /// Whether that row is wanted.
    #[must_use]
    pub fn wants(&self, row: &str) -> bool {
        self.only.iter().any(|name| name == row)
    }

    /// Rounds of the other rows.
    #[must_use]
    pub fn fewer_rounds(&self) -> usize {
        self.rounds.min(3)
    }

    /// Both cores, as `taskset` takes them.
    #[must_use]
    pub fn both_cores(&self) -> String {
        format!("{},{}", self.server_core, self.client_core)
    }
}
