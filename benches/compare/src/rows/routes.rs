//! Policies of 10 and of 10,000 routes, with requests all over each.

use std::rc::Rc;

use super::{
    Row,
    rounds::{Contender, in_turn},
};
use crate::{bench::Bench, message::Message, policy, work::InTurn, yardstick::Failure};

/// Different paths for each; the hot token.
const PATHS: usize = 256;

/// Measures both.
///
/// # Errors
/// Where a server fails, or a warm-up has a wrong answer.
pub async fn measure(bench: &Bench) -> Result<Vec<Row>, Failure> {
    let token = bench.tokens.rs256.first().ok_or("no token")?;
    let mut contenders = Vec::new();
    for routes in [10, 10_000] {
        let server = bench.portcullis(&bench.options.server_core, routes, &[])?.0;
        let messages: Rc<[Message]> = (0..PATHS).map(|n| Message::check(&policy::path(routes, n), token)).collect();
        let mut contender = Contender::new(bench, server, move || InTurn::endless(&messages)).await?;
        contender.label = format!("portcullis, {routes} routes");
        contenders.push(contender);
    }
    in_turn(bench, "routes", bench.options.fewer_rounds(), contenders).await
}
