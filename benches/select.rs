//! Selects rules, and nothing else that counts: what `benches/instructions` measures.

mod support;

use std::hint::black_box;

use portcullis_engine::{authorizer::RequestAttributes, policy::Policy};
use support::{load, path, request, yaml};

/// `benches/instructions` counts what is done in here.
#[inline(never)]
fn measured(policy: &Policy, requests: &[RequestAttributes<'_>]) -> usize {
    requests.iter().filter(|request| black_box(policy).select(&request.target).is_ok()).count()
}

fn main() {
    // `cargo bench` adds `--bench`.
    let mut numbers = std::env::args().skip(1).filter_map(|argument| argument.parse().ok());
    let (routes, count) = (numbers.next().unwrap_or(10), numbers.next().unwrap_or(1_000));
    let policy = load(&yaml(routes)).policy;
    let requests: Vec<_> = (0..count).map(|n| request(&path(routes, n))).collect();
    let found = measured(&policy, &requests);
    assert_eq!(found, count, "every request has its route");
}
