//! Clients that take back what they asked for.

use std::{net::SocketAddr, time::Duration};

use tokio::{
    io::AsyncWriteExt as _,
    net::TcpStream,
    task::JoinSet,
    time::{Instant, sleep},
};

use super::{Context, Failure, Outcome, Stack, finish};
use crate::{envoy::Change, http2, mix::USUAL, stack::Plan};

/// Resets a second of one client's HTTP/2 streams.
const RESETS: u32 = 2000;
/// Clients a second that leave.
const LEAVING: u32 = 500;

/// One client opens streams and takes each back, on one connection: Envoy's limit for that is off.
pub(super) async fn streams_reset(context: &Context) -> Result<Outcome, Failure> {
    let plan = Plan { changes: vec![Change::NoResetLimit], ..Plan::default() };
    let stack = Stack::start(context, &plan).await?;
    let load = stack.load(context, USUAL);
    sleep(context.part(10)).await;
    let time = context.part(80);
    let rate = context.scaled(RESETS);
    let attack = http2::take_back(stack.envoy.address, rate, time).await?;
    sleep(context.part(10)).await;
    let mut outcome = Outcome::default();
    note_rate(&mut outcome, "streams taken back", attack.streams, rate, time);
    outcome.notes.push(format!("{} connections of the hostile client", attack.connections));
    finish(stack, load, outcome).await
}

/// Clients of HTTP/1.1 ask and leave, in bursts.
pub(super) async fn leave(context: &Context) -> Result<Outcome, Failure> {
    let stack = Stack::start(context, &Plan::default()).await?;
    let load = stack.load(context, USUAL);
    sleep(context.part(10)).await;
    let (time, rate) = (context.part(80), context.scaled(LEAVING));
    let left = leave_in_bursts(stack.envoy.address, rate, time).await?;
    sleep(context.part(10)).await;
    let mut outcome = Outcome::default();
    note_rate(&mut outcome, "clients that left", left, rate, time);
    finish(stack, load, outcome).await
}

async fn leave_in_bursts(address: SocketAddr, rate: u32, time: Duration) -> Result<u64, Failure> {
    let (started, mut left) = (Instant::now(), 0);
    let mut ticks = tokio::time::interval(Duration::from_millis(100));
    while started.elapsed() < time {
        ticks.tick().await;
        let due = u64::try_from(started.elapsed().as_millis() * u128::from(rate) / 1000)?;
        let burst = due.saturating_sub(left).min(u64::from(rate / 2));
        let mut opening = JoinSet::new();
        for _ in 0..burst {
            opening.spawn(TcpStream::connect(address));
        }
        let mut clients = Vec::new();
        while let Some(opened) = opening.join_next().await {
            clients.push(opened??);
        }
        for client in &mut clients {
            client.write_all(b"GET /api/private HTTP/1.1\r\nhost: api.example.com\r\n\r\n").await?;
        }
        // All of them leave at once, before any can have its answer.
        left += burst;
        drop(clients);
    }
    Ok(left)
}

fn note_rate(outcome: &mut Outcome, what: &str, count: u64, rate: u32, time: Duration) {
    let due = u64::try_from(time.as_millis() * u128::from(rate) / 1000).unwrap_or(u64::MAX);
    outcome.notes.push(format!("{count} {what} in {:.1} s", time.as_secs_f64()));
    if count * 100 < due * 80 {
        outcome.starved.push(format!("only {count} {what}, and not {due}"));
    }
}
