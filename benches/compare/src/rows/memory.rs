//! What a remembered token takes: growth of the resident memory over 100,000 distinct ones.

use std::{rc::Rc, thread, time::Duration};

use serde::Serialize;

use super::{all_right, rounds::probe};
use crate::{
    bench::{Bench, ROUTES},
    client::{Load, Verdict},
    message::Message,
    policy, process,
    work::{Each, InTurn},
    yardstick::Failure,
};

const TOKENS: usize = 100_000;
const SMOKE: usize = 1_000;

/// In MiB, but for the last.
#[derive(Clone, Debug, Serialize)]
pub struct Memory {
    /// After the start, before any call.
    pub idle: f64,
    /// After hot calls, before the tokens.
    pub warm: f64,
    /// With the tokens.
    pub full: f64,
    /// Tokens that were sent.
    pub sent: usize,
    /// Tokens that are held, as the service itself says.
    pub held: u64,
    /// Bytes of growth for each that is held.
    pub each: f64,
}

/// Measures it. The tokens are ES256, which are quick to mint; their claims are those of the others.
///
/// # Errors
/// Where the server fails, or has a wrong answer.
pub async fn measure(bench: &Bench) -> Result<Memory, Failure> {
    let sent = if bench.options.smoke { SMOKE } else { TOKENS };
    let (server, admin) = bench.portcullis(&bench.options.server_core, ROUTES, &[])?;
    thread::sleep(Duration::from_secs(1));
    let idle = server.memory("VmRSS")?;
    let mut load = Load::open(server.address, bench.options.connections, bench.options.streams).await?;
    probe(bench, "portcullis", &mut load).await?;
    all_right("memory", &load.run(InTurn::endless(&bench.hot()), Some(bench.options.warmup)).await?)?;
    let (warm, before) = (server.memory("VmRSS")?, held(admin)?);
    eprintln!("memory: {sent} tokens");
    // The hot token is one of them, and so is the probe's: a cache for 100,000 is to hold them all.
    let others = sent - 2;
    let tokens: Result<Rc<[String]>, Failure> = (0..others).map(|number| bench.tokens.es256(number)).collect();
    let tokens = tokens?;
    let template = Message::check(&policy::path(ROUTES, 1), tokens.first().ok_or("no token")?);
    let each = (0..others).map_while(move |place| Some((tokens.get(place)?.clone(), Verdict::AllowFor(place))));
    let measured = load.run(Each::once(template, each), None).await?;
    all_right("memory", &measured)?;
    if measured.calls != others as u64 {
        return Err(format!("{} of {others} tokens were sent", measured.calls).into());
    }
    let (full, held) = (server.memory("VmRSS")?, held(admin)?);
    #[expect(clippy::cast_precision_loss, reason = "a number of tokens")]
    let each = (full - warm) * 1024.0 * 1024.0 / held.saturating_sub(before).max(1) as f64;
    eprintln!("memory: {idle:.1} MiB idle, {full:.1} MiB with {held} tokens, {each:.0} bytes each");
    Ok(Memory { idle, warm, full, sent, held, each })
}

/// Tokens that the service says it remembers.
fn held(admin: std::net::SocketAddr) -> Result<u64, Failure> {
    let (_, page) = process::page(admin, "/metrics")?;
    let line = page.lines().find_map(|line| line.strip_prefix("portcullis_token_cache_entries "));
    Ok(line.ok_or("no such metric")?.trim().parse()?)
}
