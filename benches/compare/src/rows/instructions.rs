//! Instructions in user space for each hot call, by callgrind: they don't drift with the machine's load. Two runs with
//! different numbers of calls: what starting takes drops out.

use std::{fs, process::Command};

use super::{all_right, rounds::probe};
use crate::{
    bench::{Bench, ROUTES},
    client::Load,
    work::InTurn,
    yardstick::Failure,
};

const CALLS: [u64; 2] = [4_000, 12_000];

/// By server; nothing where there is no valgrind.
///
/// # Errors
/// Where a server fails, or has a wrong answer.
pub async fn measure(bench: &Bench) -> Result<Option<Vec<(String, f64)>>, Failure> {
    if Command::new("valgrind").arg("--version").output().is_err() {
        return Ok(None);
    }
    let mut counted = Vec::new();
    for name in ["portcullis", "noop", "wire"] {
        let few = instructions(bench, name, CALLS[0]).await?;
        let many = instructions(bench, name, CALLS[1]).await?;
        #[expect(clippy::cast_precision_loss, reason = "a number of calls")]
        let each = (many - few) / (CALLS[1] - CALLS[0]) as f64;
        eprintln!("instructions: {name} {each:.0} a call");
        counted.push((name.to_owned(), each));
    }
    Ok(Some(counted))
}

/// Of one run with so many calls.
async fn instructions(bench: &Bench, name: &str, calls: u64) -> Result<f64, Failure> {
    let file = bench.file(&format!("callgrind.{name}"));
    let _ = fs::remove_file(&file);
    let under = ["valgrind", "--quiet", "--tool=callgrind", &format!("--callgrind-out-file={}", file.display())];
    let under = under.map(str::to_owned);
    let cores = &bench.options.server_core;
    let server = match name {
        "portcullis" => bench.portcullis(cores, ROUTES, &under)?.0,
        _ => bench.yardstick(name, cores, 1, &under)?,
    };
    let mut load = Load::open(server.address, bench.options.connections, bench.options.streams).await?;
    probe(bench, name, &mut load).await?;
    all_right(name, &load.run(InTurn::times(&bench.hot(), calls), None).await?)?;
    drop(load);
    server.stop()?;
    let text = fs::read_to_string(&file)?;
    let total = text.lines().find_map(|line| line.strip_prefix("totals: ")).ok_or("callgrind counted nothing")?;
    Ok(total.trim().parse()?)
}
