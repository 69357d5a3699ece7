//! Requests pass a chain without its filters that ask: it is never called good.

use crate::{
    envoy_trees::{
        Choices, bootstrap,
        removal::{unused_site, without_checks},
    },
    envoy_verdict::{Verdict, judge},
};

/// The number of configurations; the fuzz target `envoy_trees` tries others.
const SEEDS: u64 = 120;

#[test]
fn a_chain_without_its_checks_is_never_good() {
    let site = unused_site();
    let mut tried = 0;
    for seed in 0..SEEDS {
        let tree = bootstrap(&mut Choices::from_seed(seed), &site);
        for without in without_checks(&tree, &site) {
            let judged = judge(&[(&without.to_string(), "envoy.json")]);
            assert!(judged.verdict >= Verdict::Open, "{seed}: {judged:?} is said of what has no check:\n{without}");
            tried += 1;
        }
    }
    assert!(tried >= SEEDS, "{tried} chains");
}
