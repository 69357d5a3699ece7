//! Each token for the first time: 20,000 of them, once, to a fresh process; beside it what the signatures alone take.

use std::time::{Duration, Instant};

use aws_lc_rs::signature::{ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};

use super::{
    Row, Sample,
    rounds::{observed, probe},
};
use crate::{
    bench::{Bench, ROUTES},
    client::{Load, Measured, Verdict},
    process::{self, Server},
    stats::Latency,
    work::{Each, InTurn},
    yardstick::Failure,
};

/// Calls with the hot token, before the clock starts: what is allocated once is not what a token costs.
const WARMUP: u64 = 2_000;

/// Measures Portcullis, the naive service, and the raw verification on the same core.
///
/// # Errors
/// Where a server fails, or a warm-up has a wrong answer.
pub async fn measure(bench: &Bench) -> Result<Vec<Row>, Failure> {
    let cores = &bench.options.server_core;
    let rounds = bench.options.fewer_rounds();
    let names = ["portcullis", "naive", "raw verify"];
    let mut samples: [Vec<Sample>; 3] = Default::default();
    for round in 0..rounds {
        for (name, samples) in names.into_iter().zip(&mut samples) {
            let sample = match name {
                "portcullis" => once(bench, &bench.portcullis(cores, ROUTES, &[])?.0).await?,
                "naive" => once(bench, &bench.yardstick(name, cores, 1, &[])?).await?,
                _ => raw(bench)?,
            };
            eprintln!("cold, round {} of {rounds}: {name} {:.0} a second", round + 1, sample.measured.rate());
            samples.push(sample);
        }
    }
    Ok(names.into_iter().zip(&samples).map(|(name, samples)| Row::of("cold", name, samples)).collect())
}

async fn once(bench: &Bench, server: &Server) -> Result<Sample, Failure> {
    let mut load = Load::open(server.address, bench.options.connections, bench.options.streams).await?;
    probe(bench, &server.name, &mut load).await?;
    load.run(InTurn::times(&bench.hot(), WARMUP), None).await?;
    let wanted = bench.cold().len() as u64;
    let says_who = server.name == "portcullis";
    // The token with number 0 is the hot one.
    let tokens = bench.cold().into_iter().zip(1..);
    let tokens =
        tokens.map(move |(token, number)| (token, if says_who { Verdict::AllowFor(number) } else { Verdict::Allow }));
    let sample = observed(server, load.run(Each::once(bench.hot.clone(), tokens), None)).await?;
    let Measured { calls, wrong, errors, .. } = sample.measured;
    if calls + wrong + errors != wanted {
        return Err(format!("{calls} of {wanted} tokens were sent").into());
    }
    Ok(sample)
}

/// The signatures of the same tokens, one after the other, on the core that is the server's otherwise.
fn raw(bench: &Bench) -> Result<Sample, Failure> {
    let key = ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &bench.tokens.rsa_public)?;
    let mut signed = Vec::new();
    for token in bench.cold() {
        let (message, signature) = token.rsplit_once('.').ok_or("no signature")?;
        signed.push((message.to_owned(), BASE64.decode(signature)?));
    }
    process::pin(&bench.options.server_core)?;
    let (mut calls, mut wrong, mut latency) = (0, 0, Latency::default());
    let started = Instant::now();
    let mut last = Duration::ZERO;
    for (message, signature) in &signed {
        match key.verify_sig(message.as_bytes(), signature) {
            Ok(()) => calls += 1,
            Err(_) => wrong += 1,
        }
        let now = started.elapsed();
        latency.add(now.saturating_sub(last));
        last = now;
    }
    let elapsed = started.elapsed();
    process::pin(&bench.options.client_core)?;
    let cpu = elapsed.as_secs_f64() * 1e6;
    Ok(Sample { measured: Measured { calls, wrong, errors: 0, elapsed, latency }, cpu, client: 0.0, peak: 0.0 })
}
