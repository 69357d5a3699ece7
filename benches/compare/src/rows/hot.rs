//! One token, again and again: Portcullis, the floor of tonic, the floor of the wire, and what one writes in an afternoon.

use super::{
    Row,
    rounds::{Contender, in_turn},
};
use crate::{
    bench::{Bench, ROUTES},
    work::InTurn,
    yardstick::Failure,
};

/// Measures them.
///
/// # Errors
/// Where a server fails, or a warm-up has a wrong answer.
pub async fn measure(bench: &Bench) -> Result<Vec<Row>, Failure> {
    let cores = &bench.options.server_core;
    let mut servers = vec![bench.portcullis(cores, ROUTES, &[])?.0];
    for name in ["noop", "wire", "naive"] {
        servers.push(bench.yardstick(name, cores, 1, &[])?);
    }
    let mut contenders = Vec::new();
    for server in servers {
        let hot = bench.hot();
        contenders.push(Contender::new(bench, server, move || InTurn::endless(&hot)).await?);
    }
    in_turn(bench, "hot", bench.options.rounds, contenders).await
}
