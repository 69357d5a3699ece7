//! Two instances are restarted in turn, as a deployment does it.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::{Context, Failure, Outcome, Stack, finish};
use crate::{
    envoy::{Change, Sample},
    mix::USUAL,
    stack::{Plan, STOP},
};

/// Behind `envoy/ha.yaml` as it is.
pub(super) async fn as_in_the_sample(context: &Context) -> Result<Outcome, Failure> {
    restart(context, vec![], Duration::from_millis(1000)).await
}

/// With retries and no health checks.
pub(super) async fn retries_only(context: &Context) -> Result<Outcome, Failure> {
    restart(context, vec![Change::RetriesOnly], Duration::from_millis(500)).await
}

/// With health checks every 2 s and no retries.
pub(super) async fn health_checks_only(context: &Context) -> Result<Outcome, Failure> {
    // Envoy has to find the one before it loses the other: each look is two seconds after the last.
    restart(context, vec![Change::SlowHealthChecksOnly], Duration::from_millis(2500)).await
}

async fn restart(context: &Context, changes: Vec<Change>, between: Duration) -> Result<Outcome, Failure> {
    let plan = Plan { sample: Sample::Two, changes, notice: true, ..Plan::default() };
    let mut stack = Stack::start(context, &plan).await?;
    // Both instances must be known to be healthy before one of them goes.
    sleep(between).await;
    let load = stack.load(context, USUAL);
    let mut outcome = Outcome::default();
    let (begun, mut restarts, mut longest) = (Instant::now(), 0_usize, Duration::ZERO);
    // Time for the last answers and for one more restart is needed.
    while restarts < 2 || begun.elapsed() < context.time {
        let Stack { instances, sampler, .. } = &mut stack;
        let count = instances.len();
        let instance = instances.get_mut(restarts % count).ok_or("no instance")?;
        sleep(between / 2).await;
        let (code, took) = instance.stop().await?;
        outcome.require(code == Some(0), || {
            format!("restart {restarts}: exit code {code:?} after {took:?}, at most {STOP:?}")
        });
        longest = longest.max(took);
        sleep(Duration::from_secs(1).min(context.time / 20)).await;
        instance.start(sampler).await?;
        sleep(between).await;
        restarts += 1;
    }
    outcome.notes.push(format!("{restarts} restarts, the longest stop took {:.2} s", longest.as_secs_f64()));
    finish(stack, load, outcome).await
}
