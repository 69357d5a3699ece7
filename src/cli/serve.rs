//! `portcullis serve`: a straight line from the configuration to the exit code.

use std::{num::NonZeroUsize, process::ExitCode, sync::Arc, thread, time::Duration};

use super::{
    config_file::ConfigArgs,
    environment,
    exit_code::{FAILED, USAGE},
    output,
};
use crate::{
    clock::SystemClock,
    config::{self, Config},
    keystore::fetch::HttpFetchers,
    limits,
    service::{
        App, Drain, NoConfig, Outside, Reload, ServeError, Stopped, Workers, embedded_tests,
        listen::descriptors,
        load_at_rest,
        shutdown::{Hangups, Signals},
        telemetry::{events, log_format::Format, panic_hook, subscriber},
    },
};

/// Runs the service.
#[derive(Debug, clap::Args)]
#[command(override_usage = "\
portcullis serve [OPTIONS] [FILE]
       portcullis serve [OPTIONS] --config <FILE>")]
#[command(after_help = "\
Examples:
  portcullis serve portcullis.yaml

  PORTCULLIS_ISSUER=https://tenant.eu.auth0.com/ \\
  PORTCULLIS_AUDIENCE=https://api.example.com \\
  portcullis serve

Without a file, every path needs a valid token of that issuer.

Scalars of the file can be overridden by the environment:
  PORTCULLIS_LISTEN__GRPC=0.0.0.0:9191    for `listen.grpc`

The file is watched: a change is checked as a whole, and takes effect in one step. SIGHUP does the
same, also where nothing has changed in the file itself:
  kill -HUP PID

A file that is known to be open for writing is loaded when it is closed, and not before. On network
file systems a change counts when two looks, 30 seconds apart, have found the same. Best is to write
a new file and move it there.

SIGTERM and SIGINT stop it in three steps. For the time of the notice, health checks say NOT_SERVING
and Checks are still answered, so that proxies go elsewhere. Then nothing new is accepted, and Checks
in flight have 20 s to end. Within another second the process ends. Give it this sum before a
SIGKILL, 26 s by default. A second signal ends it at once.

Exit codes: 0 stopped by a signal, everything answered
            1 failed, or requests were cut off
            2 the command line, the configuration or an address is wrong")]
pub(super) struct ServeArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// What is logged: error, warn, info, debug, or a filter like `portcullis=debug`
    #[arg(long, value_name = "FILTER", env = "PORTCULLIS_LOG", default_value = "info")]
    log: String,
    /// How log lines look
    #[arg(long, value_name = "FORMAT", value_enum, env = "PORTCULLIS_LOG_FORMAT", default_value_t = Format::Text)]
    log_format: Format,
    /// On how many threads Checks are answered, 1 to 256 [default: one to a processor that the process may use; a
    /// container's CPU limit counts, a Kubernetes request does not]
    #[arg(long, value_name = "N", env = "PORTCULLIS_THREADS", value_parser = threads)]
    threads: Option<NonZeroUsize>,
    /// The time for which Checks are still answered after a signal to stop, 0s to 5m: longer than the health checks of
    /// proxies take to notice
    #[arg(long, value_name = "TIME", env = "PORTCULLIS_DRAIN_NOTICE", value_parser = notice, default_value = "5s",
        allow_hyphen_values = true)]
    drain_notice: Duration,
}

fn threads(text: &str) -> Result<NonZeroUsize, String> {
    let count = text.parse().ok().filter(|count: &NonZeroUsize| count.get() <= limits::THREADS);
    count.ok_or_else(|| format!("a number from 1 to {}", limits::THREADS))
}

fn notice(text: &str) -> Result<Duration, String> {
    let notice = config::parse_duration(text).filter(|notice| *notice <= limits::DRAIN_NOTICE_MAX);
    notice.ok_or_else(|| {
        let most = config::show_duration(limits::DRAIN_NOTICE_MAX);
        format!("a time from 0s to {most}, written as a whole number with its unit: `500ms`, `5s`, `1m`")
    })
}

pub(super) async fn run(args: ServeArgs) -> ExitCode {
    let (config, reload) = match configure(&args) {
        Ok(configured) => configured,
        Err(code) => return code,
    };
    // As many as there are for us: of a machine's processors, a container may have few.
    let threads = args.threads.or_else(|| thread::available_parallelism().ok()).unwrap_or(NonZeroUsize::MIN);
    let drain = Drain { notice: args.drain_notice, ..Drain::default() };
    match serve(config, reload, threads, drain).await {
        Ok(Stopped::Clean) => {
            events::stopped();
            ExitCode::SUCCESS
        }
        Ok(Stopped::CutOff { checks, signal }) => {
            events::cut_off(checks, signal);
            ExitCode::from(FAILED)
        }
        Err(error @ (ServeError::Bind(_) | ServeError::Transport { .. } | ServeError::KeysDir(_))) => {
            output::error(&error.to_string());
            ExitCode::from(USAGE)
        }
        Err(ServeError::Part { part, cause }) => {
            events::part_failed(part, &cause);
            ExitCode::from(FAILED)
        }
    }
}

fn configure(args: &ServeArgs) -> Result<(Config, Reload), ExitCode> {
    let env = environment::read();
    let loaded = load_at_rest(args.config.path(&env), &env).map_err(|none| {
        match none {
            NoConfig::Invalid(problems) => output::problems(&problems),
            NoConfig::BeingWritten(written) => output::error(&format!(
                "{written}; half a file may be a valid policy, and after {} s it is still open: write a new file and move it \
                 there",
                limits::RELOAD_WRITER.as_secs()
            )),
        }
        ExitCode::from(USAGE)
    })?;
    subscriber::init(&args.log, args.log_format).map_err(|error| {
        output::error(&error.to_string());
        ExitCode::from(USAGE)
    })?;
    panic_hook::install();
    // As at a reload: a policy whose own tests fail must not come into force by a restart.
    if let Some(file) = &loaded.file {
        embedded_tests::check(&loaded.config, &file.path).map_err(|lines| {
            output::error(&format!("the policy's own tests fail: {}", lines.join("\n  ")));
            ExitCode::from(USAGE)
        })?;
    }
    for warning in loaded.warnings.problems() {
        events::config_warning(&warning.to_string());
    }
    Ok((
        loaded.config,
        Reload { file: loaded.file, env, suite: Some(Arc::new(embedded_tests::of_candidate)), ..Reload::default() },
    ))
}

async fn serve(config: Config, reload: Reload, threads: NonZeroUsize, drain: Drain) -> Result<Stopped, ServeError> {
    // Before anything else: a signal that arrives while we start is a stop or a reload, not a kill.
    let signals = Signals::listen()?;
    let reload = Reload { hangups: Some(Hangups::listen()?), ..reload };
    descriptors::raise_limit();
    let outside = Outside { clock: Arc::new(SystemClock), fetchers: Arc::new(HttpFetchers) };
    let app = App::start_reloading(config, outside, reload, Workers::threads(threads)?).await?;
    app.announce();
    app.run(signals, drain).await
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Cli {
        #[command(flatten)]
        serve: ServeArgs,
    }

    fn drain_notice(text: Option<&str>) -> Result<Duration, String> {
        let option = text.map(|text| ["--drain-notice", text]);
        let parsed = Cli::try_parse_from(["serve"].into_iter().chain(option.into_iter().flatten()));
        parsed.map(|cli| cli.serve.drain_notice).map_err(|error| error.to_string())
    }

    #[test]
    fn the_drain_notice_is_a_bounded_duration() {
        for (text, millis) in [("0s", 0), ("500ms", 500), ("5s", 5000), ("1m30s", 90_000), ("5m", 300_000)] {
            assert_eq!(drain_notice(Some(text)), Ok(Duration::from_millis(millis)), "{text}");
        }
        for wrong in ["", "5", "0", "-1s", "1.5s", "5 s", "five", "300001ms", "1h", "99999999999999999999s"] {
            let error = drain_notice(Some(wrong)).unwrap_err();
            let told = "a time from 0s to 5m, written as a whole number with its unit: `500ms`, `5s`, `1m`";
            assert!(error.contains("'--drain-notice <TIME>'") && error.contains(told), "{wrong}: {error}");
        }
    }

    #[test]
    fn the_default_notice_is_the_one_of_the_limits() {
        assert_eq!(drain_notice(None), Ok(limits::DRAIN_NOTICE));
        assert_eq!(limits::DRAIN_NOTICE, Drain::default().notice);
    }
}
