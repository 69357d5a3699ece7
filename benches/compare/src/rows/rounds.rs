//! Servers measured in turn, round by round: what drifts hits all of them.

use std::{future::Future, time::Duration};

use super::{Row, Sample, all_right};
use crate::{
    bench::{Bench, ROUTES},
    client::{Load, Measured, Verdict, Work},
    message::Message,
    policy,
    process::{self, Server},
    work::{Each, InTurn, Mixed},
    yardstick::Failure,
};

/// So many are tried before a row.
const FORGERIES: u64 = 64;
/// The number of a token that is in no row.
const NEW: usize = 999_999;

/// A server and what it is sent.
pub(super) struct Contender {
    /// What it is called in the table.
    pub(super) label: String,
    /// It, running.
    pub(super) server: Server,
    /// Where the client is meanwhile.
    pub(super) client_cores: String,
    load: Load,
    work: Box<dyn Fn() -> Box<dyn Work>>,
    samples: Vec<Sample>,
}

impl Contender {
    /// Connects to the server, which must allow the hot request, and deny a forged one if it looks at tokens at all.
    pub(super) async fn new(
        bench: &Bench,
        server: Server,
        work: impl Fn() -> Box<dyn Work> + 'static,
    ) -> Result<Self, Failure> {
        let mut load = Load::open(server.address, bench.options.connections, bench.options.streams).await?;
        probe(bench, &server.name, &mut load).await?;
        let client_cores = bench.options.client_core.clone();
        let label = server.name.clone();
        Ok(Self { label, server, client_cores, load, work: Box::new(work), samples: Vec::new() })
    }

    async fn round(&mut self, bench: &Bench, time: Duration) -> Result<(), Failure> {
        process::pin(&self.client_cores)?;
        let warm = self.load.run((self.work)(), Some(bench.options.warmup)).await?;
        all_right(&self.label, &warm)?;
        let sample = observed(&self.server, self.load.run((self.work)(), Some(time))).await?;
        self.samples.push(sample);
        Ok(())
    }
}

/// A run, and what it took of the server and of the client.
pub(super) async fn observed(
    server: &Server,
    run: impl Future<Output = Result<Measured, Failure>>,
) -> Result<Sample, Failure> {
    let (before, own) = (server.cpu()?, process::own_cpu()?);
    let measured = run.await?;
    let (cpu, client) = (server.cpu()? - before, process::own_cpu()? - own);
    Ok(Sample { measured, cpu, client, peak: server.memory("VmHWM")? })
}

/// Checks that a server is what its name says, before it is measured: the hot token is allowed, forgeries of it are not, and
/// Portcullis says of the hot token, and of one that it sees for the first time, whom they are about.
pub(super) async fn probe(bench: &Bench, name: &str, load: &mut Load) -> Result<(), Failure> {
    all_right(name, &load.run(InTurn::times(&bench.hot(), 1), None).await?)?;
    if name == "portcullis" {
        let hot = bench.tokens.rs256.first().ok_or("no token")?.clone();
        let hot = Each::once(bench.hot.clone(), std::iter::once((hot, Verdict::AllowFor(0))));
        all_right("portcullis, whom the hot token is about", &load.run(hot, None).await?)?;
        let new = bench.tokens.es256(NEW)?;
        let template = Message::check(&policy::path(ROUTES, 1), &new);
        let new = Each::once(template, std::iter::once((new, Verdict::AllowFor(NEW))));
        all_right("portcullis, whom a new token is about", &load.run(new, None).await?)?;
    }
    if ["portcullis", "naive"].contains(&name) {
        // Every one forged. By number, not by time: instructions are counted here too, and must be the same in each run.
        let forged = Mixed::times(&bench.hot, 1, &std::rc::Rc::default(), FORGERIES);
        all_right(name, &load.run(forged, None).await?)?;
    }
    Ok(())
}

/// Measures them in turn, each round beginning with another.
pub(super) async fn in_turn(
    bench: &Bench,
    group: &str,
    rounds: usize,
    mut contenders: Vec<Contender>,
) -> Result<Vec<Row>, Failure> {
    let count = contenders.len();
    for round in 0..rounds {
        for place in 0..count {
            let Some(contender) = contenders.get_mut((place + round) % count) else { continue };
            contender.round(bench, bench.options.time).await?;
            if let Some(sample) = contender.samples.last() {
                let (rate, label) = (sample.measured.rate(), &contender.label);
                eprintln!("{group}, round {} of {rounds}: {label} {rate:.0} calls/s", round + 1);
            }
        }
    }
    Ok(contenders.iter().map(|contender| Row::of(group, &contender.label, &contender.samples)).collect())
}
