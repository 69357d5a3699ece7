//! Behind Envoy: its own jwt_authn and RBAC, with and without its cache of tokens, beside ext_authz with the no-op and with
//! Portcullis. Envoy has one worker, on the server's core, and so has the Check server.

use std::fs;

use envoy_types::pb::envoy::service::auth::v3::{CheckRequest, authorization_client::AuthorizationClient};
use prost::Message as _;

use super::{Row, Sample, all_right};
use crate::{
    bench::{Bench, ROUTES},
    envoy::{self, Way},
    http1, policy,
    process::{self, Server},
    yardstick::Failure,
};

const CONNECTIONS: usize = 64;

/// Measures them. CPU is that of Envoy and of the Check server together.
///
/// # Errors
/// Where a server fails, or a warm-up has a wrong answer.
pub async fn measure(bench: &Bench) -> Result<Vec<Row>, Failure> {
    let cores = &bench.options.server_core;
    let portcullis = bench.portcullis(cores, ROUTES, &[])?.0;
    // What Envoy does with an answer, whoever gives it: with a real one it has headers to set and to remove, and metadata.
    let file = bench.file("answer.bin");
    fs::write(&file, answer(bench, &portcullis).await?)?;
    let fixed = bench.yardstick_with("wire", cores, 1, &[], &["--answer", &file.to_string_lossy()])?;
    let checks = [portcullis, bench.yardstick("noop", cores, 1, &[])?, fixed];
    let ways = Way::all(bench)?;
    let own = envoy::start(bench, cores, &ways, &checks.iter().collect::<Vec<_>>())?;
    let path = policy::path(ROUTES, 1);
    let request = http1::request(&path, bench.tokens.rs256.first().map(String::as_str));
    for way in &ways {
        // What asks for a token must miss it; the no-op and no authorization don't ask.
        let asks = way.name.contains("jwt") || way.name.contains("portcullis");
        let status = http1::status(way.address, &http1::request(&path, None)).await?;
        if status != if asks { 401 } else { 200 } {
            return Err(format!("{}: without a token the answer is {status}", way.name).into());
        }
    }
    let servers: Vec<&Server> = checks.iter().chain([&own]).collect();
    let rounds = bench.options.fewer_rounds();
    let mut samples: Vec<Vec<Sample>> = ways.iter().map(|_| Vec::new()).collect();
    for round in 0..rounds {
        for place in 0..ways.len() {
            let place = (place + round) % ways.len();
            let (Some(way), Some(samples)) = (ways.get(place), samples.get_mut(place)) else { continue };
            let sample = sample(bench, way, &request, &servers).await?;
            eprintln!(
                "behind Envoy, round {} of {rounds}: {} {:.0} a second",
                round + 1,
                way.name,
                sample.measured.rate()
            );
            samples.push(sample);
        }
    }
    Ok(ways.iter().zip(&samples).map(|(way, samples)| Row::of("behind Envoy", way.name, samples)).collect())
}

/// What Portcullis answers to the hot token.
async fn answer(bench: &Bench, portcullis: &Server) -> Result<Vec<u8>, Failure> {
    let mut client = AuthorizationClient::connect(format!("http://{}", portcullis.address)).await?;
    let answer = client.check(CheckRequest::decode(&*bench.hot.bytes)?).await?;
    Ok(answer.into_inner().encode_to_vec())
}

async fn sample(bench: &Bench, way: &Way, request: &[u8], servers: &[&Server]) -> Result<Sample, Failure> {
    let warm = http1::load(way.address, request.to_vec(), CONNECTIONS, bench.options.warmup).await?;
    all_right(way.name, &warm)?;
    let cpu = || servers.iter().map(|server| server.cpu()).sum::<Result<f64, Failure>>();
    let (before, own) = (cpu()?, process::own_cpu()?);
    let measured = http1::load(way.address, request.to_vec(), CONNECTIONS, bench.options.time).await?;
    let (cpu, client) = (cpu()? - before, process::own_cpu()? - own);
    // All ways share one Envoy, so its memory says nothing about one of them.
    Ok(Sample { measured, cpu, client, peak: 0.0 })
}
