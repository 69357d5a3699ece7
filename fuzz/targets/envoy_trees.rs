//! An Envoy configuration: bytes choose its listeners, filters, routes and layers. After a first byte 255, the next ones break it at
//! a few places.
#![no_main]

use portcullis::tools::envoy_lint::lint;
use portcullis_fuzz::{
    envoy_trees::{
        self, Choices, Site,
        removal::{unused_site, without_checks},
    },
    envoy_verdict::{Verdict, judge},
    json_writer::CHOICES,
};
use serde_json::Value;

/// The most places at which a tree is broken.
const MAX_BREAKS: usize = 6;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let site = unused_site();
    match input.split_first() {
        Some((&CHOICES, rest)) => {
            let mut choices = Choices::from_bytes(rest);
            let mut tree = envoy_trees::bootstrap(&mut choices, &site);
            for _ in 0..=choices.below(MAX_BREAKS) {
                break_somewhere(&mut choices, &mut tree);
            }
            printing_findings_never_fails(&tree.to_string());
        }
        _ => {
            let tree = envoy_trees::bootstrap(&mut Choices::from_bytes(input.get(1..).unwrap_or_default()), &site);
            a_chain_without_its_checks_is_never_good(&tree, &site);
        }
    }
});

/// Requests pass a chain without its filters that ask, so "good" is wrong then, and so is "good as far as it was seen". A filter that was
/// an error by itself is no exception: without it, other words are right, but no better ones.
fn a_chain_without_its_checks_is_never_good(tree: &Value, site: &Site) {
    for without in without_checks(tree, site) {
        let judged = judge(&[(&without.to_string(), "envoy.json")]);
        assert!(judged.verdict >= Verdict::Open, "{judged:?} is said of what has no check:\n{tree}\n{without}");
    }
}

fn printing_findings_never_fails(text: &str) {
    let found = lint(text, "envoy.json", None);
    assert_eq!(found.render(true, 80).is_empty(), found.is_empty());
}

/// Replaces a part of the tree by something else, or removes it.
fn break_somewhere(choices: &mut Choices, tree: &mut Value) {
    let mut part = tree;
    for _ in 0..choices.below(24) {
        let count = match &*part {
            Value::Array(items) => items.len(),
            Value::Object(fields) => fields.len(),
            _ => 0,
        };
        if count == 0 {
            break;
        }
        let at = choices.below(count);
        if choices.one_in(16) {
            match part {
                Value::Array(items) => drop(items.remove(at)),
                Value::Object(fields) => {
                    let name = fields.keys().nth(at).cloned().unwrap_or_default();
                    fields.remove(&name);
                }
                _ => {}
            }
            return;
        }
        part = match part {
            Value::Array(items) => &mut items[at],
            Value::Object(fields) => fields.values_mut().nth(at).expect("it was counted"),
            _ => return,
        };
    }
    let whole = part.take();
    *part = match choices.below(8) {
        0 => Value::Null,
        1 => Value::from(7),
        2 => Value::from("x"),
        3 => Value::from(""),
        4 => Value::Bool(true),
        5 => Value::Array(vec![whole]),
        6 => Value::Array(Vec::new()),
        _ => Value::Object([("a".to_owned(), whole)].into_iter().collect()),
    };
}
