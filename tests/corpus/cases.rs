//! Every case has its code, and every code has a case.

use std::{collections::BTreeSet, panic};

use portcullis_engine::reason::DenyReason;

use crate::{
    case::{self, Case},
    judge::judge,
    template, token,
};

/// Codes that no case can have, and why.
const ELSEWHERE: [(&str, &str); 3] = [
    ("internal", "nothing that is known brings the service to it"),
    ("overloaded", "a case takes no time: src/ext_authz/queue/tests.rs, src/ext_authz/front/tests.rs"),
    ("request_too_large", "the service weighs a message before it is taken apart: tests/integration"),
];

#[test]
fn every_case_has_its_code() {
    let cases = case::all();
    let wrong: Vec<String> =
        cases.iter().filter_map(|(file, case)| complaint(case).map(|it| format!("{file}: {it}"))).collect();
    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    println!("{} cases", cases.len());
    assert!(cases.len() >= 300, "the corpus shrank to {} cases", cases.len());
}

/// What is wrong with a case, if anything.
fn complaint(case: &Case) -> Option<String> {
    let got = panic::catch_unwind(|| judge(case));
    let wanted = (case.expect.as_str(), case.status);
    match got {
        Ok((code, status)) if code == wanted.0 && wanted.1.is_none_or(|wanted| wanted == status) => None,
        Ok(got) => {
            let sent = template::shown(&token::authorization(case).join(&b" | "[..]));
            Some(format!("{}: {got:?}, not {wanted:?}: {sent}", case.name))
        }
        Err(_) => Some(format!("{}: the recipe or the program panicked", case.name)),
    }
}

#[test]
fn names_are_unique() {
    let mut seen = BTreeSet::new();
    for (file, case) in case::all() {
        assert!(seen.insert(case.name.clone()), "{file}: `{}` is there twice", case.name);
    }
}

fn codes() -> BTreeSet<String> {
    DenyReason::all().map(|reason| reason.code().to_owned()).collect()
}

#[test]
fn every_code_has_a_case() {
    let codes = codes();
    assert!(codes.len() >= 46, "the list was not read: {codes:?}");
    let expected: BTreeSet<String> = case::all().into_iter().map(|(_, case)| case.expect).collect();
    let elsewhere: BTreeSet<String> = ELSEWHERE.iter().map(|(code, _)| (*code).to_owned()).collect();
    let without: Vec<_> = codes.difference(&expected).filter(|code| !elsewhere.contains(*code)).collect();
    assert!(without.is_empty(), "no case has {without:?}");
    let unknown: Vec<_> = expected.iter().filter(|code| *code != "ok" && !codes.contains(*code)).collect();
    assert!(unknown.is_empty(), "there is no code {unknown:?}");
    assert!(elsewhere.is_subset(&codes) && elsewhere.is_disjoint(&expected));
}
