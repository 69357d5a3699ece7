//! A corpus of Envoy configurations as people write and as control planes generate them, each with exactly what is to be found in
//! it.
//!
//! `NAME.expect` stands beside `NAME.yaml` or `NAME.json`, or beside several files `NAME.part.yaml` that are given together. Its lines:
//! a comment that says what is shown, `verdict: good`, `unseen`, `open` or `wrong`, what a real Envoy makes of the file
//! (`envoy: accepts`, `refuses`, or `no bootstrap`), and each finding as `severity lint listener`.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
};

use crate::envoy_verdict::judge;

const LEAST: usize = 60;

fn directory() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/envoy")
}

/// The names of the files of each configuration, by its name, and the names of all expectations.
fn corpus() -> (BTreeMap<String, Vec<String>>, BTreeSet<String>) {
    let mut configurations: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut expectations = BTreeSet::new();
    for entry in fs::read_dir(directory()).unwrap() {
        let file = entry.unwrap().file_name().into_string().unwrap();
        let (name, rest) = file.split_once('.').unwrap();
        if rest == "expect" {
            expectations.insert(name.to_owned());
        } else {
            configurations.entry(name.to_owned()).or_default().push(file);
        }
    }
    configurations.values_mut().for_each(|files| files.sort());
    (configurations, expectations)
}

#[test]
fn each_configuration_has_an_expectation_and_each_expectation_a_configuration() {
    let (configurations, expectations) = corpus();
    let names: BTreeSet<String> = configurations.into_keys().collect();
    assert_eq!(names, expectations);
    assert!(names.len() >= LEAST, "{} configurations", names.len());
}

#[test]
fn exactly_what_is_expected_is_found_in_each_configuration() {
    let (configurations, _) = corpus();
    let mut differences = String::new();
    for (name, files) in &configurations {
        let Ok(expectation) = fs::read_to_string(directory().join(format!("{name}.expect"))) else { continue };
        let expected: Vec<&str> =
            expectation.lines().filter(|line| !line.starts_with('#') && !line.starts_with("envoy: ")).collect();
        let texts: Vec<String> = files.iter().map(|file| fs::read_to_string(directory().join(file)).unwrap()).collect();
        let given: Vec<(&str, &str)> = texts.iter().map(String::as_str).zip(files.iter().map(String::as_str)).collect();
        let judged = judge(&given);
        let verdict = format!("verdict: {}", format!("{:?}", judged.verdict).to_lowercase());
        let found: Vec<&str> =
            std::iter::once(verdict.as_str()).chain(judged.findings.iter().map(String::as_str)).collect();
        if found != expected {
            differences
                .push_str(&format!("{name}: expected {expected:#?}, found {found:#?}, unseen {:?}\n", judged.unseen));
        }
    }
    assert!(differences.is_empty(), "{differences}");
}
