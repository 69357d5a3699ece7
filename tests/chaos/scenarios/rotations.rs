//! Keys rotate.

use std::time::Duration;

use tokio::time::sleep;

use super::{Context, Failure, Outcome, Stack, finish};
use crate::{
    mix::{Kind, Pending, USUAL},
    stack::Plan,
};

/// For so long at most a token of a new key may be refused when strangers have used up the fetches: one refill, and a
/// second for the fetch and for a busy machine.
const REFILL: Duration = Duration::from_secs(6);

const WITH_NEW_KEYS: &[(Kind, u32)] = &[
    (Kind::Good, 35),
    (Kind::NewKey, 25),
    (Kind::Scoped, 10),
    (Kind::Public, 10),
    (Kind::NoToken, 5),
    (Kind::Forged, 15),
];

const WITH_UNKNOWN_KIDS: &[(Kind, u32)] = &[
    (Kind::Good, 35),
    (Kind::NewKey, 25),
    (Kind::Scoped, 10),
    (Kind::Public, 10),
    (Kind::NoToken, 5),
    (Kind::UnknownKid, 15),
];

/// Twice amid false signatures: no good token is refused, at no time.
pub(super) async fn amid_false_signatures(context: &Context) -> Result<Outcome, Failure> {
    twice(context, WITH_NEW_KEYS, false).await
}

/// Twice amid unknown kids: tokens of known keys lose nothing, those of new keys are refused for a refill at most.
pub(super) async fn amid_unknown_kids(context: &Context) -> Result<Outcome, Failure> {
    twice(context, WITH_UNKNOWN_KIDS, true).await
}

/// Twice, without forged tokens.
pub(super) async fn quiet(context: &Context) -> Result<Outcome, Failure> {
    let mix: Vec<_> = WITH_NEW_KEYS.iter().copied().filter(|(kind, _)| *kind != Kind::Forged).collect();
    twice(context, &mix, false).await
}

async fn twice(context: &Context, mix: &[(Kind, u32)], may_pend: bool) -> Result<Outcome, Failure> {
    let stack = Stack::start(context, &Plan::default()).await?;
    let load = stack.load(context, mix);
    let issuer = stack.issuer(0)?;
    let mut outcome = Outcome::default();
    let reads = issuer.key_set_reads();
    sleep(context.part(20)).await;
    // In a short run there is time for one.
    let rotations = if may_pend && context.time < 3 * REFILL { 1 } else { 2 };
    for _ in 0..rotations {
        issuer.tokens.adopt_new();
        // Tokens of the keys before those are under way no longer when these keys go.
        sleep(Duration::from_millis(300)).await;
        if may_pend {
            load.mix.set_pending(Pending::NewKeys);
        }
        issuer.rotate_keeping_old().await?;
        if may_pend {
            sleep(REFILL).await;
            load.mix.set_pending(Pending::None);
        }
        let pended = if may_pend { REFILL } else { Duration::ZERO };
        sleep((context.part(80) / rotations).saturating_sub(pended)).await;
    }
    outcome.notes.push(format!("{rotations} rotations, {} fetches of keys", issuer.key_set_reads() - reads));
    finish(stack, load, outcome).await
}

/// Twice, and the old keys are gone at once, amid the usual mix. Tokens of the old keys are as good as unknown kids then,
/// and use up the fetches as those do.
pub(super) async fn without_old_keys(context: &Context) -> Result<Outcome, Failure> {
    let stack = Stack::start(context, &Plan::default()).await?;
    let load = stack.load(context, USUAL);
    let rotations = if context.time < 3 * REFILL { 1 } else { 2 };
    sleep(context.part(10)).await;
    for _ in 0..rotations {
        load.mix.set_pending(Pending::Any);
        stack.issuer(0)?.rotate().await?;
        sleep(REFILL).await;
        load.mix.set_pending(Pending::None);
        sleep((context.part(90) / rotations).saturating_sub(REFILL)).await;
    }
    finish(stack, load, Outcome::default()).await
}
