//! The command line. Exit codes: 0 good; 1 it ran and failed; 2 the command line or the configuration is wrong.

mod check;
mod config_file;
mod demo;
mod environment;
mod exit_code;
mod explain;
mod health;
mod output;
mod schema;
mod serve;
mod test;

use std::{
    borrow::Cow,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    process::ExitCode,
    time::Duration,
};

use clap::{Parser, Subcommand};
use tokio::time::Instant;

use self::exit_code::{FAILED, USAGE};
use crate::{limits, printable, service::telemetry::log_output};

/// Envoy external authorization: OAuth 2.0 bearer tokens and scope policies per route. Shut unless opened.
#[derive(Debug, Parser)]
#[command(name = "portcullis", version, arg_required_else_help = true, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the service: gRPC for Envoy, health and reflection, and the admin page
    Serve(serve::ServeArgs),
    /// Asks a running instance for its health: for Docker's HEALTHCHECK and for probes
    Health(health::HealthArgs),
    /// Validates a configuration: every problem at once, with the place underlined
    Check(check::CheckArgs),
    /// Prints the JSON Schema of the configuration, for editors
    Schema(schema::SchemaArgs),
    /// Says why a request is allowed or denied, check by check, without a running service
    Explain(explain::ExplainArgs),
    /// Runs policy tests, and reports what of the policy they exercised
    Test(test::TestArgs),
    /// Says that the demo is a program of its own, `portcullis-demo`
    #[command(hide = true)]
    Demo(demo::DemoArgs),
}

/// Parses the arguments and runs the command.
#[must_use]
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(told) => return usage(&told),
    };
    match arguments.command {
        Command::Serve(args) => run_logging(serve::run(args)),
        Command::Health(args) => health::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Schema(args) => schema::run(&args),
        Command::Explain(args) => run(explain::run(args)),
        Command::Test(args) => test::run(&args),
        Command::Demo(args) => demo::run(&args),
    }
}

/// Prints what clap has to tell: help, a version, or an error, which repeats arguments.
fn usage(told: &clap::Error) -> ExitCode {
    let plain = told.render().to_string();
    if matches!(printable::lines(&plain), Cow::Borrowed(_)) {
        // In colours where they are wanted. A closed pipe is no error.
        let _ = told.print();
    } else {
        output::error(plain.trim_start_matches("error: ").trim_end());
    }
    ExitCode::from(u8::try_from(told.exit_code()).unwrap_or(USAGE))
}

/// Runs a command that logs. Whatever happens to it, its last lines are written, if the log takes them in time.
fn run_logging(command: impl Future<Output = ExitCode>) -> ExitCode {
    let mut ended = None;
    let noting = async {
        let code = command.await;
        ended = Some(Instant::now());
        code
    };
    // The panic hook has logged what is caught here.
    let code = catch_unwind(AssertUnwindSafe(|| run(noting))).unwrap_or_else(|_| ExitCode::from(FAILED));
    let took = ended.map_or(Duration::ZERO, |ended: Instant| ended.elapsed());
    log_output::flush(limits::LOG_FLUSH.saturating_sub(took));
    code
}

fn run(command: impl Future<Output = ExitCode>) -> ExitCode {
    match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => {
            // A panic ends the runtime in the same way: dropped, it would wait for its blocking threads for ever.
            let ended = catch_unwind(AssertUnwindSafe(|| runtime.block_on(command)));
            // A file on a dead mount or a name server that does not answer must not hold up the exit.
            runtime.shutdown_timeout(limits::EXIT_GRACE);
            ended.unwrap_or_else(|panic| resume_unwind(panic))
        }
        Err(error) => {
            output::error(&format!("the runtime can't start: {error}"));
            ExitCode::from(FAILED)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn a_panic_is_passed_on_while_something_hangs() {
        let (release, released) = mpsc::channel::<()>();
        let (ended, end) = mpsc::channel();
        std::thread::spawn(move || {
            let command = async {
                tokio::task::spawn_blocking(move || released.recv());
                panic!("a bug");
            };
            ended.send(catch_unwind(AssertUnwindSafe(|| run(command))).is_err())
        });
        assert_eq!(end.recv_timeout(Duration::from_secs(60)), Ok(true));
        drop(release);
    }
}
