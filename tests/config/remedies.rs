//! Help that says what to write, followed: the file that raises it is changed as it says, and then accepted.
//!
//! A text with `write` in it that no case here follows fails the test below: new help has to be followed first.

mod cases;
mod commands;
mod envoy;
mod explain;
mod sources;
mod suite;

use std::{fs, path::Path};

use portcullis::config::{
    self,
    error::{ConfigErrors, Problem},
    lint::Lint,
};

use self::{
    cases::{Case, cases},
    sources::{has_word, literals, unfollowed},
};
use crate::env;

fn problems(text: &str) -> ConfigErrors {
    let variables = env(&[("PARTNER_SECRET", "Vw7tQm2Zr9Xk4Lc8Np3Hs6Jd1Gb5Fy0TaEo")]);
    match config::parse(text, "portcullis.yaml", &variables) {
        Ok(loaded) => loaded.warnings,
        Err(errors) => errors,
    }
}

/// The texts in backticks that follow the word.
fn proposals(help: &str) -> Vec<&str> {
    let behind = help.split_once("write `").map_or("", |(_, behind)| behind);
    behind.split('`').step_by(2).filter(|text| !text.is_empty()).collect()
}

#[test]
fn whoever_does_what_help_says_is_done() {
    let failed: Vec<String> = cases().iter().filter_map(fault).collect();
    assert!(failed.is_empty(), "{}", failed.join("\n---\n"));
}

/// Describes the fault of a case, if it has one.
fn fault(case: &Case) -> Option<String> {
    {
        let (from, to) = case.change;
        if case.text.matches(from).count() != 1 {
            return Some(format!("{from} is not once in {}", case.text));
        }
        let before = problems(&case.text);
        let all: Vec<&Problem> = before.problems().collect();
        let [only] = all.as_slice() else { return Some(format!("{}\n{}", case.text, before.render(false, 120))) };
        let help = only.help_text().unwrap_or_default();
        if !help.contains("write ") {
            return Some(format!("{}\n{help}", case.text));
        }
        let fixed = case.text.replacen(from, to, 1);
        // Of what is proposed, word by word, something is there now.
        let is_followed =
            |proposed: &&str| has_word(&fixed, proposed) && (!has_word(&case.text, proposed) || to.contains(*proposed));
        let proposed = proposals(help);
        let is_example = |text: &&str| {
            ["TENANT", "POOL", "REGION", "host:port", "host/path", "…"].iter().any(|part| text.contains(part))
        };
        if !proposed.is_empty() && !proposed.iter().any(is_followed) && !proposed.iter().any(is_example) {
            return Some(format!("not as the help says: {help}\n{fixed}"));
        }
        let after = problems(&fixed);
        let is_wrong = after.problems().any(|one| one.kind() != Some(Lint::OpenToAll));
        is_wrong.then(|| format!("{help}\n{fixed}\n{}", after.render(false, 120)))
    }
}

/// Texts that can't be raised here: there is no such YAML, or it takes a variable or a command, which other tests have.
const ELSEWHERE: [&str; 6] = [
    // Followed by the tests of the command line, config_argument.rs.
    "write `portcullis check --envoy ENVOY_FILE portcullis.yaml`",
    "write `portcullis test FILE`",
    "write it plainly",
    "write some of them out",
    "unset it, and write `issuers` in the file",
    "to open everything else, write it as a route for `/**`",
];

#[test]
fn every_help_that_says_what_to_write_is_followed() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut sources = vec![
        "../engine/src/policy/pattern_help.rs".to_owned(),
        "../engine/src/policy/host_pattern.rs".to_owned(),
        "../engine/src/policy/diagnostics.rs".to_owned(),
    ];
    for dir in ["config", "config/decode", "config/lint", "config/resolve", "document"] {
        for entry in fs::read_dir(root.join(dir)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            if name.ends_with(".rs") {
                sources.push(format!("{dir}/{name}"));
            }
        }
    }
    let helps: Vec<(&str, String)> = cases()
        .iter()
        .map(|case| (case.source, problems(&case.text).problems().filter_map(Problem::help_text).collect()))
        .collect();
    let (mut count, mut missing) = (0, Vec::new());
    for source in sources {
        let mut literals = literals(&source, &["write "]);
        literals.retain(|literal| !ELSEWHERE.iter().any(|other| literal.contains(other)));
        count += literals.len();
        let own = helps.iter().filter(|(of, _)| *of == source).map(|(_, help)| help.as_str()).collect();
        missing.extend(unfollowed(&source, literals, own));
    }
    assert!(missing.is_empty(), "nobody follows these:\n{}", missing.join("\n"));
    assert!(count > 80, "{count}");
}
