//! The hot token, and one call in ten forged: each forgery costs a verification, and none may push the hot token out.

use std::{cell::Cell, rc::Rc};

use super::{
    Row,
    rounds::{Contender, in_turn},
};
use crate::{
    bench::{Bench, ROUTES},
    work::{InTurn, Mixed},
    yardstick::Failure,
};

/// One in so many.
const EVERY: u64 = 10;

/// Measures Portcullis and the naive service; beside them, Portcullis' own hot calls in the same rounds.
///
/// # Errors
/// Where a server fails, or a warm-up has a wrong answer.
pub async fn measure(bench: &Bench) -> Result<Vec<Row>, Failure> {
    let cores = &bench.options.server_core;
    let hot = bench.hot();
    let own = bench.portcullis(cores, ROUTES, &[])?.0;
    let mut own = Contender::new(bench, own, move || InTurn::endless(&hot)).await?;
    own.label = "portcullis, hot".to_owned();
    let mut contenders = vec![own];
    let forged = Rc::new(Cell::new(0));
    for server in [bench.portcullis(cores, ROUTES, &[])?.0, bench.yardstick("naive", cores, 1, &[])?] {
        let (hot, forged) = (bench.hot.clone(), Rc::clone(&forged));
        contenders.push(Contender::new(bench, server, move || Mixed::endless(&hot, EVERY, &forged)).await?);
    }
    in_turn(bench, "mixed", bench.options.fewer_rounds(), contenders).await
}
