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
    load.tolerate_losses();
    stack.envoy.stop().await?;
    stack.envoy.start().await?;
    stack.sampler.watch(Role::Envoy, stack.envoy.pid().ok_or("no Envoy")?);
    load.forget_connections();
    load.expect_all();
    sleep(context.part(60)).await;
    finish(stack, load, Outcome::default()).await
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
    finish(stack, load, Outcome::default()).await
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
