//! Connections that stay use up file descriptors and memory.

use std::time::Duration;

use tokio::{
    io::AsyncWriteExt as _,
    net::TcpStream,
    time::{Instant, sleep},
};

use super::{Context, Failure, Outcome, Stack, finish};
use crate::{
    http2,
    load::Load,
    mix::{Kind, Pending},
    sampler::Role,
    stack::Plan,
};

/// File descriptors, and connections that want all of them.
const FEW: u32 = 256;
/// Connections where there are enough descriptors.
const MANY: usize = 5000;
/// Within this time `/healthz` must answer: what asks it gives up then.
const HEALTH: Duration = Duration::from_secs(2);

const MIX: &[(Kind, u32)] = &[
    (Kind::Good, 40),
    (Kind::NewKey, 20),
    (Kind::Scoped, 10),
    (Kind::Public, 10),
    (Kind::NoToken, 10),
    (Kind::NoRoute, 10),
];

/// Half requests to the admin port.
pub(super) async fn admin(context: &Context) -> Result<Outcome, Failure> {
    let mut stack = Stack::start(context, &Plan { descriptors: Some(FEW), ..Plan::default() }).await?;
    let load = stack.load(context, MIX);
    let address = stack.instance()?.admin;
    let mut held = Vec::new();
    for _ in 0..FEW {
        // One that is refused or closed is as good.
        if let Ok(mut stream) = TcpStream::connect(address).await {
            let _ = stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: a\r\n").await;
            held.push(stream);
        }
    }
    let outcome = outlive(context, &mut stack, &load, Outcome::default()).await?;
    drop(held);
    finish(stack, load, outcome).await
}

/// Connections to the gRPC port on which one Check was asked each.
pub(super) async fn grpc(context: &Context) -> Result<Outcome, Failure> {
    let mut stack = Stack::start(context, &Plan { descriptors: Some(FEW), ..Plan::default() }).await?;
    let load = stack.load(context, MIX);
    let address = stack.instance()?.grpc;
    let mut held = Vec::new();
    for _ in 0..FEW {
        // Connections that are not accepted wait in line, ahead of later ones.
        held.push(http2::used(address).await?);
    }
    let mut answered = 0;
    for stream in &mut held {
        answered += u32::from(http2::answered(stream, Duration::from_millis(20)).await);
    }
    let mut outcome = Outcome::default();
    outcome.notes.push(format!("{answered} of {FEW} connections were answered"));
    let outcome = outlive(context, &mut stack, &load, outcome).await?;
    drop(held);
    finish(stack, load, outcome).await
}

/// Thousands of connections to the gRPC port, where the process may have them.
pub(super) async fn thousands(context: &Context) -> Result<Outcome, Failure> {
    let mut stack = Stack::start(context, &Plan::default()).await?;
    let load = stack.load(context, MIX);
    let before = stack.instance()?.running()?.rss_mib();
    let address = stack.instance()?.grpc;
    let mut held = Vec::with_capacity(MANY);
    for _ in 0..MANY {
        held.push(http2::used(address).await.map_err(|error| format!("connection {} of {MANY}: {error}", held.len()))?);
    }
    // The last of them are accepted and answered.
    for stream in held.iter_mut().rev().take(16) {
        let _ = http2::answered(stream, Duration::from_secs(1)).await;
    }
    let after = stack.instance()?.running()?.rss_mib();
    let mut outcome = Outcome::default();
    #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
    let each = (after - before) * 1024.0 / MANY as f64;
    outcome.notes.push(format!(
        "memory: {before:.1} MiB before, {after:.1} MiB with {MANY} connections: {each:.1} KiB each; {} descriptors",
        stack.instance()?.running()?.descriptors()
    ));
    let outcome = outlive(context, &mut stack, &load, outcome).await?;
    drop(held);
    finish(stack, load, outcome).await
}

/// With those connections there, Envoy is restarted, keys rotate and `/healthz` is asked.
async fn outlive(context: &Context, stack: &mut Stack, load: &Load, mut outcome: Outcome) -> Result<Outcome, Failure> {
    sleep(context.part(10)).await;
    load.tolerate_losses();
    stack.envoy.stop().await?;
    stack.envoy.start().await?;
    stack.sampler.watch(Role::Envoy, stack.envoy.pid().ok_or("no Envoy")?);
    load.forget_connections();
    load.expect_all();
    sleep(context.part(20)).await;
    // A rotation that leaves the old keys: nothing but the fetch decides about tokens of new ones.
    load.mix.set_pending(Pending::None);
    stack.issuer(0)?.rotate_keeping_old().await?;
    let (begun, mut asked, mut longest) = (Instant::now(), 0, Duration::ZERO);
    while begun.elapsed() < context.part(60) || asked < 3 {
        let sent = Instant::now();
        let page = stack.instance()?.page("/healthz", HEALTH).await;
        let answered = page.as_ref().is_ok_and(|(status, _)| *status == 200);
        asked += 1;
        outcome.require(answered, || format!("/healthz, request {asked}: {page:?}"));
        longest = longest.max(sent.elapsed());
        sleep(Duration::from_millis(500)).await;
    }
    outcome.notes.push(format!("/healthz asked {asked} times, the longest took {} ms", longest.as_millis()));
    Ok(outcome)
}
