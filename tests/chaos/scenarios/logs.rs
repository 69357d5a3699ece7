//! The log can't be written.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::{Context, Failure, Outcome, Stack, finish};
use crate::{
    http2,
    load::Load,
    mix::USUAL,
    stack::{Log, Plan, STOP},
};

/// The counter of lines that were not written.
const DROPPED: &str = "portcullis_log_lines_dropped_total";

/// Lines that are logged to fill a pipe and a queue of several MiB.
const LINES: u32 = 30_000;

/// Time for the Checks that log them, also on a busy machine.
const ENOUGH: Duration = Duration::from_secs(10);

/// The pipe's reader goes away.
pub(super) async fn reader_gone(context: &Context) -> Result<Outcome, Failure> {
    let (mut stack, load) = start(context, Log::Pipe).await?;
    let reader = stack.instance()?.running()?.take_stderr();
    sleep(context.part(20)).await;
    drop(reader);
    sleep(context.part(80)).await;
    end(stack, load).await
}

/// The pipe's reader stands still.
pub(super) async fn not_read(context: &Context) -> Result<Outcome, Failure> {
    let (mut stack, load) = start(context, Log::UnreadPipe).await?;
    let reader = stack.instance()?.running()?.take_stderr();
    sleep(context.part(30)).await;
    // Far more lines than a queue holds, by another client than Envoy.
    let (asked, begun) = (stack.instance()?.grpc, Instant::now());
    let answered = http2::ask_many(asked, LINES, context.part(70).max(ENOUGH)).await?;
    sleep(context.part(70).saturating_sub(begun.elapsed())).await;
    let mut outcome = end(stack, load).await?;
    outcome.require(answered == LINES, || format!("{answered} of {LINES} Checks of another client were answered"));
    drop(reader);
    Ok(outcome)
}

/// The disk is full before the start, and stays full while keys rotate.
pub(super) async fn disk_full(context: &Context) -> Result<Outcome, Failure> {
    let (stack, load) = start(context, Log::FullDisk).await?;
    for _ in 0..2 {
        sleep(context.part(30)).await;
        let issuer = stack.issuer(0)?;
        issuer.rotate_keeping_old().await?;
        issuer.tokens.adopt_new();
    }
    sleep(context.part(40)).await;
    end(stack, load).await
}

async fn start(context: &Context, log: Log) -> Result<(Stack, Load), Failure> {
    let stack = Stack::start(context, &Plan { log, ..Plan::default() }).await?;
    let load = stack.load(context, USUAL);
    Ok((stack, load))
}

/// SIGTERM under load: in time, with exit code 0, after lost lines were counted.
async fn end(mut stack: Stack, load: Load) -> Result<Outcome, Failure> {
    let mut outcome = Outcome::default();
    let instance = stack.instance()?;
    let dropped = instance.metric(DROPPED).await;
    outcome.require(dropped.is_some_and(|lines| lines > 0.0), || {
        format!("{DROPPED} is {dropped:?}: no lost line is counted")
    });
    outcome.notes.push(format!("lines lost: {}", dropped.unwrap_or_default()));
    load.tolerate_losses_of_new_ones();
    let (code, took) = instance.stop().await?;
    outcome.require(code == Some(0), || {
        format!("exit code {code:?} after {:.1} s (at most {STOP:?})", took.as_secs_f64())
    });
    outcome.notes.push(format!("SIGTERM took {:.2} s, exit code {code:?}", took.as_secs_f64()));
    finish(stack, load, outcome).await
}
