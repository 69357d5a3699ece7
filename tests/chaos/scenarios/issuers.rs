//! Issuers fail.

use std::time::Duration;

use tokio::time::sleep;

use super::{Context, Failure, Outcome, Stack, end_flood, finish};
use crate::{
    issuer::Gate,
    mix::{GOOD_ONLY, Kind, USUAL},
    stack::Plan,
};

/// Tokens a second of the flood.
const FLOOD: u32 = 1360;

/// The issuer closes every connection.
pub(super) async fn down(context: &Context) -> Result<Outcome, Failure> {
    fails(context, Gate::Closed).await
}

/// The issuer answers 500.
pub(super) async fn error(context: &Context) -> Result<Outcome, Failure> {
    fails(context, Gate::Error).await
}

/// The issuer never answers.
pub(super) async fn stalls(context: &Context) -> Result<Outcome, Failure> {
    fails(context, Gate::Hang).await
}

/// The issuer answers late.
pub(super) async fn slow(context: &Context) -> Result<Outcome, Failure> {
    fails(context, Gate::Slow(Duration::from_secs(2))).await
}

// After a fetch that succeeded, none is made for some seconds, whatever comes: all of these last longer than that.

async fn fails(context: &Context, gate: Gate) -> Result<Outcome, Failure> {
    let stack = Stack::start(context, &Plan::default()).await?;
    let load = stack.load(context, USUAL);
    sleep(context.part(10)).await;
    stack.issuer(0)?.set_gate(gate);
    sleep(context.part(70)).await;
    stack.issuer(0)?.set_gate(Gate::Open);
    sleep(context.part(20)).await;
    finish(stack, load, Outcome::default()).await
}

/// Forged tokens of an issuer that hangs, beside good ones of it and of another issuer.
pub(super) async fn hangs_amid_a_flood(context: &Context) -> Result<Outcome, Failure> {
    flooded(context, Kind::UnknownKid).await
}

/// The control: tokens that need no key.
pub(super) async fn hangs_amid_opaque_tokens(context: &Context) -> Result<Outcome, Failure> {
    flooded(context, Kind::Opaque).await
}

async fn flooded(context: &Context, kind: Kind) -> Result<Outcome, Failure> {
    let stack = Stack::start(context, &Plan { issuers: 2, ..Plan::default() }).await?;
    let load = stack.load(context, GOOD_ONLY);
    stack.issuer(1)?.set_gate(Gate::Hang);
    sleep(context.part(10)).await;
    let flood = stack.flood(context, 1, kind, FLOOD)?;
    sleep(context.part(80)).await;
    let mut outcome = Outcome::default();
    end_flood(flood, &mut outcome).await?;
    sleep(context.part(10)).await;
    finish(stack, load, outcome).await
}
