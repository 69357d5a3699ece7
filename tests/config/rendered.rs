//! What is printed: whole outputs, so that their wording is reviewed.

use std::{fs, path::Path};

use portcullis::config;

use crate::{env, parse};

/// Compares what is printed for a file with the text beside it.
fn check_rendered(name: &str, variables: &[(&str, &str)]) {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/config/invalid");
    let text = fs::read_to_string(dir.join(name).with_extension("yaml")).unwrap();
    let rendered = config::parse(&text, "portcullis.yaml", &env(variables)).unwrap_err().render(false, 100);
    let actual = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name).with_extension("txt");
    fs::write(&actual, &rendered).unwrap();
    let expected = fs::read_to_string(dir.join(name).with_extension("txt")).unwrap();
    assert!(rendered == expected, "what is printed has changed: compare {name}.txt with {}", actual.display());
}

#[test]
fn a_file_with_every_kind_of_fault_reads_well() {
    check_rendered("many-faults", &[("PORTCULLIS_LISTN__GRPC", "127.0.0.1:9191"), ("PORTCULLIS_ROUTES", "[]")]);
}

#[test]
fn routes_that_do_not_fit_together_are_both_shown() {
    check_rendered("conflicts", &[]);
}

#[test]
fn colour_changes_nothing_but_the_colour() {
    let errors = parse("routes: [{ path: /a }]").unwrap_err();
    let (plain, coloured) = (errors.render(false, 100), errors.render(true, 100));
    assert!(!plain.contains('\u{1b}') && coloured.contains("\u{1b}["));
}
