//! One core and two. With two, client and server share them.

use super::{
    Row,
    rounds::{Contender, in_turn},
};
use crate::{
    bench::{Bench, ROUTES},
    work::InTurn,
    yardstick::Failure,
};

/// Measures Portcullis and the no-op on one core and on two.
///
/// # Errors
/// Where a server fails, or a warm-up has a wrong answer.
pub async fn measure(bench: &Bench) -> Result<Vec<Row>, Failure> {
    let (one, two) = (bench.options.server_core.clone(), bench.options.both_cores());
    let servers = [
        ("portcullis, 1 core", &bench.options.client_core, bench.portcullis(&one, ROUTES, &[])?.0),
        ("portcullis, 2 cores", &two, bench.portcullis(&two, ROUTES, &[])?.0),
        ("noop, 1 core", &bench.options.client_core, bench.yardstick("noop", &one, 1, &[])?),
        ("noop, 2 cores", &two, bench.yardstick("noop", &two, 2, &[])?),
    ];
    let mut contenders = Vec::new();
    for (label, client_cores, server) in servers {
        let hot = bench.hot();
        let mut contender = Contender::new(bench, server, move || InTurn::endless(&hot)).await?;
        contender.label = label.to_owned();
        contender.client_cores.clone_from(client_cores);
        contenders.push(contender);
    }
    in_turn(bench, "cores", bench.options.fewer_rounds(), contenders).await
}
