//! Processes end, stand still and come back.

use std::time::Duration;

use tokio::time::sleep;

use super::{Context, Failure, Outcome, Stack, finish};
use crate::{
    envoy::Sample,
    issuer::Gate,
    mix::{GOOD_ONLY, USUAL},
    sampler::Role,
    stack::{Context as Run, Plan},
};

/// The metrics that tell of a process that stood still, and of an Envoy that was restarted.
const LAG: &str = "portcullis_thread_lag_seconds";
const ACCEPTED: &str = "portcullis_connections_accepted_total";

/// Envoy finds an instance that hangs after the interval and the timeout of its health checks, a second each; a busy
/// machine may take a little longer.
const FOUND: Duration = Duration::from_millis(3000);

/// Killed, and started again half a second later.
pub(super) async fn killed(context: &Context) -> Result<Outcome, Failure> {
    let mut stack = Stack::start(context, &Plan::default()).await?;
    let load = stack.load(context, USUAL);
    sleep(context.part(30)).await;
    load.tolerate_losses();
    restart_after_kill(context, &mut stack).await?;
    load.expect_all();
    sleep(context.part(60)).await;
    finish(stack, load, Outcome::default()).await
}

/// Killed while the issuer is down: saved keys must do.
pub(super) async fn killed_without_issuer(context: &Context) -> Result<Outcome, Failure> {
    let mut stack = Stack::start(context, &Plan { keys_dir: true, ..Plan::default() }).await?;
    let load = stack.load(context, GOOD_ONLY);
    sleep(context.part(20)).await;
    stack.issuer(0)?.set_gate(Gate::Closed);
    sleep(context.part(10)).await;
    load.tolerate_losses();
    restart_after_kill(context, &mut stack).await?;
    load.expect_all();
    sleep(context.part(40)).await;
    stack.issuer(0)?.set_gate(Gate::Open);
    sleep(context.part(20)).await;
    finish(stack, load, Outcome::default()).await
}

async fn restart_after_kill(context: &Run, stack: &mut Stack) -> Result<(), Failure> {
    let Stack { instances, sampler, .. } = stack;
    let instance = instances.first_mut().ok_or("no instance")?;
    instance.kill().await?;
    sleep(context.part(10).min(Duration::from_millis(500))).await;
    instance.start(sampler).await?;
    // Envoy waits between two attempts to connect.
    sleep(Duration::from_millis(200)).await;
    Ok(())
}

/// Envoy ends and is started again.
pub(super) async fn envoy_restarted(context: &Context) -> Result<Outcome, Failure> {
    let mut stack = Stack::start(context, &Plan::default()).await?;
    let load = stack.load(context, USUAL);
    sleep(context.part(30)).await;
    let before = stack.instance()?.metric(ACCEPTED).await.unwrap_or_default();
    load.tolerate_losses();
    stack.envoy.stop().await?;
    stack.envoy.start().await?;
    stack.sampler.watch(Role::Envoy, stack.envoy.pid().ok_or("no Envoy")?);
    load.forget_connections();
    load.expect_all();
    sleep(context.part(60)).await;
    let mut outcome = Outcome::default();
    let after = stack.instance()?.metric(ACCEPTED).await.unwrap_or_default();
    outcome.require(before >= 1.0 && after > before, || format!("{ACCEPTED} was {before} and is {after}"));
    finish(stack, load, outcome).await
}

/// The only instance stands still for a while.
pub(super) async fn frozen(context: &Context) -> Result<Outcome, Failure> {
    let mut stack = Stack::start(context, &Plan::default()).await?;
    let load = stack.load(context, USUAL);
    sleep(context.part(20)).await;
    load.tolerate_losses();
    let instance = stack.instance()?.running()?;
    instance.signal("STOP")?;
    sleep(context.part(30)).await;
    instance.signal("CONT")?;
    load.expect_all();
    sleep(context.part(50)).await;
    let mut outcome = Outcome::default();
    let lag = stack.instance()?.metric(LAG).await.unwrap_or_default();
    // A thread looks at its lag once a second, so that a part of this time may pass before.
    let least = context.part(30).saturating_sub(Duration::from_secs(1)).as_secs_f64();
    outcome.require(lag >= least, || format!("{LAG} is {lag}, after {} s", context.part(30).as_secs_f64()));
    outcome.notes.push(format!("lag of all threads: {lag:.1} s"));
    finish(stack, load, outcome).await
}

/// One of two stands still: Envoy's health checks find out, and the other one does its work.
pub(super) async fn one_of_two_frozen(context: &Context) -> Result<Outcome, Failure> {
    let mut stack = Stack::start(context, &Plan { sample: Sample::Two, ..Plan::default() }).await?;
    sleep(Duration::from_millis(1500)).await;
    let load = stack.load(context, USUAL);
    sleep(context.part(10)).await;
    load.tolerate_losses();
    let instance = stack.instance()?.running()?;
    instance.signal("STOP")?;
    sleep(FOUND).await;
    load.expect_all();
    sleep(context.part(40)).await;
    instance.signal("CONT")?;
    sleep(context.part(20)).await;
    finish(stack, load, Outcome::default()).await
}
