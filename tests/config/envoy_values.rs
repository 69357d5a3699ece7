//! `check --envoy` on values that Envoy reads in its own way: fields that are there twice, enums, numbers, and what the runtime sets.
//! What Envoy 1.40 makes of each was tried.

use portcullis::config::envoy::Verdict;

use crate::envoy_scene::{ALL, bootstrap, check, listener, manager, ours};

/// A bootstrap file with these settings of its ext_authz filter.
fn with(settings: &str) -> String {
    bootstrap(&[listener("in", "", &[&manager(&[&ours("z", settings)], ALL)])], &[], "")
}

/// A bootstrap file whose ext_authz filter runs for the part of requests that this `FractionalPercent` is.
fn with_part(part: &str) -> String {
    with(&format!(", filter_enabled: {{ default_value: {part} }}"))
}

fn check_text(text: &str) -> Checked {
    check_files(&[(text, "envoy.yaml")], None)
}

#[test]
fn numbers_are_those_of_envoys_yaml_reader() {
    for part in [
        "{ numerator: 0100 }",
        "{ numerator: 0x63 }",
        "{ numerator: 100, denominator: 0x1 }",
        "{ numerator: 100, denominator: '1' }",
        "{ numerator: 100, denominator: 1.0 }",
        "{ numerator: 99.0 }",
    ] {
        check(part, &with_part(part), &[PART], Verdict::Open);
    }
    for part in [
        "{ numerator: 0x64 }",
        "{ numerator: 0144 }",
        "{ numerator: '0100' }",
        "{ numerator: '0x64' }",
        "{ numerator: 1e2 }",
    ] {
        check(part, &with_part(part), &[], Verdict::Good);
    }
}

