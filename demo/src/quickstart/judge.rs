//! Compares an answer with the expected one.

use serde_json::{Map, Value};

use super::cases::{Challenge, Expect, Upstream};
use crate::client::Fetched;

/// What came back, as far as the list looks at it.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) challenges: Vec<String>,
    /// The headers that the upstream saw, if the request reached it.
    pub(super) upstream: Option<Map<String, Value>>,
}

impl From<&Fetched> for Answer {
    fn from(fetched: &Fetched) -> Self {
        let body = serde_json::from_slice::<Value>(&fetched.body).unwrap_or_default();
        Self {
            status: fetched.status,
            challenges: fetched.header("www-authenticate").into_iter().map(str::to_owned).collect(),
            upstream: body.get("headers").and_then(Value::as_object).cloned(),
        }
    }
}

impl Answer {
    /// Every header that the upstream saw and could take for the subject's, with its value.
    pub(super) fn subjects(&self) -> Vec<(&str, String)> {
        let headers = self.upstream.iter().flatten();
        headers
            .filter(|(name, _)| name.to_ascii_lowercase().replace(['_', '.'], "-") == "x-auth-subject")
            .map(|(name, value)| (name.as_str(), value.as_str().map_or_else(|| value.to_string(), str::to_owned)))
            .collect()
    }
}

/// What is wrong with the answer: nothing if the list is empty.
pub(super) fn judge(expect: &Expect, answer: &Answer) -> Vec<String> {
    let mut problems = Vec::new();
    if answer.status != expect.status {
        problems.push(format!("expected status {}", expect.status));
    }
    problems.extend(judge_challenge(expect.challenge, &answer.challenges));
    problems.extend(judge_upstream(expect.upstream, answer));
    problems
}

fn judge_challenge(expect: Challenge, challenges: &[String]) -> Option<String> {
    match (expect, challenges) {
        (Challenge::Absent, []) => None,
        (Challenge::Absent, _) => Some("expected no www-authenticate".to_owned()),
        (Challenge::Exactly(text), [one]) if one == text => None,
        (Challenge::Exactly(text), _) => Some(format!("expected exactly www-authenticate: {text}")),
        (Challenge::With(parameters), [one]) if has_all(one, parameters) => None,
        (Challenge::With(parameters), _) => {
            Some(format!("expected www-authenticate: Bearer with {}", parameters.join(", ")))
        }
    }
}

/// Our challenges hold no comma inside quotes that could fake a parameter: the expected ones are compared whole.
fn has_all(challenge: &str, parameters: &[&str]) -> bool {
    let Some(found) = challenge.strip_prefix("Bearer ") else { return false };
    let found: Vec<&str> = found.split(',').map(str::trim).collect();
    parameters.iter().all(|parameter| found.contains(parameter))
}

fn judge_upstream(expect: Upstream, answer: &Answer) -> Option<String> {
    let subjects = answer.subjects();
    match (expect, &answer.upstream) {
        (Upstream::Nothing, None) => None,
        (Upstream::Nothing, Some(_)) => Some("expected that the upstream sees nothing of this".to_owned()),
        (Upstream::Nobody | Upstream::Subject(_), None) => Some("expected an answer of the upstream".to_owned()),
        (Upstream::Nobody, Some(_)) if subjects.is_empty() => None,
        (Upstream::Nobody, Some(_)) => Some("expected that the upstream sees no x-auth-subject".to_owned()),
        (Upstream::Subject(subject), Some(_)) => match subjects.as_slice() {
            [("x-auth-subject", value)] if value == subject => None,
            _ => Some(format!("expected that the upstream sees x-auth-subject: {subject}, and that alone")),
        },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn answer(status: u16, challenges: &[&str], upstream: Option<Value>) -> Answer {
        let upstream = upstream.map(|headers| headers.as_object().unwrap().clone());
        Answer { status, challenges: challenges.iter().map(|text| (*text).to_owned()).collect(), upstream }
    }

    fn wrong(expect: Expect, answer: &Answer) -> usize {
        judge(&expect, answer).len()
    }

    #[test]
    fn a_denial_must_have_its_status_its_challenge_and_no_upstream() {
        const BARE: &str = r#"Bearer realm="api""#;
        let expect = Expect { status: 401, challenge: Challenge::Exactly(BARE), upstream: Upstream::Nothing };
        assert_eq!(wrong(expect, &answer(401, &[BARE], None)), 0);
        assert_eq!(wrong(expect, &answer(403, &[BARE], None)), 1);
        assert_eq!(wrong(expect, &answer(401, &[], None)), 1);
        assert_eq!(wrong(expect, &answer(401, &[BARE, BARE], None)), 1);
        assert_eq!(wrong(expect, &answer(401, &[r#"Bearer realm="api", error="x""#], None)), 1);
        assert_eq!(wrong(expect, &answer(200, &[], Some(json!({})))), 3);
    }

    #[test]
    fn parameters_of_a_challenge_are_compared_whole() {
        let needed: &[&str] = &[r#"error="insufficient_scope""#, r#"scope="read:messages""#];
        let expect = Expect { status: 403, challenge: Challenge::With(needed), upstream: Upstream::Nothing };
        let check = |challenge: &str| wrong(expect, &answer(403, &[challenge], None));
        assert_eq!(check(r#"Bearer realm="api", error="insufficient_scope", scope="read:messages""#), 0);
        assert_eq!(check(r#"Bearer realm="api", error="insufficient_scope", scope="read:messages admin""#), 1);
        assert_eq!(check(r#"Bearer realm="api", error="insufficient_scope""#), 1);
        assert_eq!(check(r#"DPoP error="insufficient_scope", scope="read:messages""#), 1);
    }

    #[test]
    fn no_spelling_of_the_identity_may_come_from_the_client() {
        let nobody = Expect { status: 200, challenge: Challenge::Absent, upstream: Upstream::Nobody };
        assert_eq!(wrong(nobody, &answer(200, &[], Some(json!({ "host": "h" })))), 0);
        for spelling in ["x-auth-subject", "x_auth_subject", "x.auth-subject", "X-Auth_Subject"] {
            assert_eq!(wrong(nobody, &answer(200, &[], Some(json!({ spelling: "intruder" })))), 1, "{spelling}");
        }
        let known = Expect { upstream: Upstream::Subject("me"), ..nobody };
        assert_eq!(wrong(known, &answer(200, &[], Some(json!({ "x-auth-subject": "me" })))), 0);
        for headers in [
            json!({}),
            json!({ "x-auth-subject": "intruder" }),
            json!({ "x-auth-subject": ["me", "intruder"] }),
            json!({ "x-auth-subject": "me", "x_auth_subject": "me" }),
        ] {
            assert_eq!(wrong(known, &answer(200, &[], Some(headers))), 1);
        }
        assert_eq!(wrong(known, &answer(200, &[], None)), 1);
    }
}
