//! What came of a request against what must.

use super::case::{Expectation, TextTest};
use crate::tools::simulate::response::Answered;

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Mismatch {
    /// What is different: `decision`, `status`, `header www-authenticate`.
    pub what: String,
    /// What must be.
    pub expected: String,
    /// What is.
    pub found: String,
}

/// Every difference. `sent` are the headers of the request, credentials among them.
pub(crate) fn mismatches(expected: &Expectation, found: &Answered, sent: &[(String, String)]) -> Vec<Mismatch> {
    let mut all = Vec::new();
    let mut differ = |what: String, expected: String, found: String| all.push(Mismatch { what, expected, found });
    if expected.allowed != found.allowed {
        differ("decision".to_owned(), word(expected.allowed).to_owned(), decision(found));
        // Of another decision there is nothing more to compare.
        return all;
    }
    if let Some(status) = expected.status.filter(|status| *status != found.status) {
        differ("status".to_owned(), status.to_string(), format!("{} ({})", found.status, found.reason));
    }
    if let Some(reason) = expected.reason.filter(|reason| Some(*reason) != found.deny) {
        differ("reason".to_owned(), reason.code().to_owned(), found.reason.clone());
    }
    if let Some((rule, _)) = &expected.rule {
        let got = found.rule.as_ref().map(|hit| hit.id.as_str());
        if got != Some(rule) {
            differ("rule".to_owned(), rule.clone(), got.unwrap_or("none").to_owned());
        }
    }
    let upstream = upstream(found, sent);
    let texts = texts(&expected.headers, &found.headers, "header");
    all.extend(texts.chain(self::texts(&expected.upstream, &upstream, "upstream header")));
    if let Some(test) = expected.body.as_ref().filter(|test| !test.is_met_by(Some(&found.body))) {
        all.push(Mismatch { what: "body".to_owned(), expected: wanted(test), found: found.body.clone() });
    }
    all
}

/// The headers that the API gets: those of the request that are neither removed nor overwritten, and those that are set.
fn upstream(found: &Answered, sent: &[(String, String)]) -> Vec<(String, String)> {
    let is = |name: &str, other: &str| name.eq_ignore_ascii_case(other);
    let is_gone = |name: &str| {
        found.removed.iter().any(|removed| is(removed, name)) || found.set.iter().any(|(set, _)| is(set, name))
    };
    found.set.iter().chain(sent.iter().filter(|(name, _)| !is_gone(name))).cloned().collect()
}

fn texts<'a>(
    tests: &'a [(String, TextTest)],
    found: &'a [(String, String)],
    what: &'a str,
) -> impl Iterator<Item = Mismatch> + 'a {
    tests.iter().filter_map(move |(name, test)| {
        let value = found.iter().find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str());
        let differs = !test.is_met_by(value);
        differs.then(|| Mismatch {
            what: format!("{what} {name}"),
            expected: wanted(test),
            found: value.unwrap_or("none").to_owned(),
        })
    })
}

fn wanted(test: &TextTest) -> String {
    match test {
        TextTest::Equals(text) => text.clone(),
        TextTest::Contains(parts) => {
            let parts: Vec<String> = parts.iter().map(|part| format!("`{part}`")).collect();
            format!("something with {}", parts.join(" and "))
        }
        TextTest::Absent => "none".to_owned(),
    }
}

/// `allow`, or a denial with its reason.
pub(crate) fn decision(found: &Answered) -> String {
    if found.allowed { word(true).to_owned() } else { format!("deny ({} {})", found.status, found.reason) }
}

const fn word(allowed: bool) -> &'static str {
    if allowed { "allow" } else { "deny" }
}
