//! `expect` of a test: a word, a status, or what the answer must have. What can't come true is refused here, so that no
//! test waits for it in vain.

use serde_json::Number;

use super::value;
use crate::{
    config::{
        error::Problem,
        other_document::{Bag, Fields, closest, quoted, read},
    },
    document::tree::{Entry, Node, Place, Value},
    tools::policy_test::case::{Expectation, TextTest},
};
use portcullis_engine::{oauth::challenge, reason::DenyReason};

const EXPECT: [&str; 7] = ["decision", "status", "reason", "rule", "headers", "upstream", "body"];
/// The statuses that a denial can have in a test, where keys are never missing.
const STATUSES: [u16; 3] = [400, 401, 403];

/// The names that HTTP has for these statuses (RFC 9110 section 15.5).
const STATUS_NAMES: [(&str, u16); 4] =
    [("unauthorized", 401), ("forbidden", 403), ("bad request", 400), ("bad_request", 400)];

/// Nothing but the decision.
const fn just(allowed: bool) -> Expectation {
    Expectation {
        allowed,
        status: None,
        reason: None,
        rule: None,
        headers: Vec::new(),
        upstream: Vec::new(),
        body: None,
    }
}

/// What must come of a request.
pub(super) fn decode(bag: &mut Bag, entry: &Entry) -> Option<Expectation> {
    match &entry.node.value {
        Value::Section(_) => section(bag, entry),
        Value::Number(number) => {
            status_of_number(bag, number, &entry.node).map(|status| Expectation { status: Some(status), ..just(false) })
        }
        _ => match read::text(bag, entry)? {
            "allow" => Some(just(true)),
            "deny" => Some(just(false)),
            text => reason_of(bag, text, &entry.node, &["allow", "deny"])
                .map(|reason| Expectation { reason: Some(reason), ..just(false) }),
        },
    }
}

fn section(bag: &mut Bag, entry: &Entry) -> Option<Expectation> {
    let fields = Fields::named(bag, &entry.node, "`expect`", &EXPECT)?;
    let decision = fields.get("decision").map(|entry| read::word(bag, entry, &[("allow", true), ("deny", false)]));
    let status = fields.get("status").map(|entry| match &entry.node.value {
        Value::Number(number) => status_of_number(bag, number, &entry.node),
        other => {
            let problem = Problem::error(&entry.node.place, format!("`status` must be a number, not {other}"));
            bag.push(match other {
                Value::String(text) if STATUSES.iter().any(|status| status.to_string() == *text) => {
                    problem.help("write it without quotes")
                }
                _ => problem.help("400, 401 or 403"),
            });
            None
        }
    });
    let reason = fields.get("reason").map(|entry| {
        let text = read::text(bag, entry)?;
        reason_of(bag, text, &entry.node, &[])
    });
    let rule = fields.get("rule").map(|entry| {
        let id = read::text(bag, entry)?;
        Some((id.to_owned(), entry.node.place.clone()))
    });
    let headers = tests(bag, fields.get("headers"));
    let upstream = tests(bag, fields.get("upstream"));
    let body = fields.get("body").map(|entry| value::text_test(bag, entry));
    if fields.is_faulty() {
        return None;
    }
    let (status, reason) = (unbroken(status)?, unbroken(reason)?);
    let (rule, headers, upstream, body) = (unbroken(rule)?, headers?, upstream?, unbroken(body)?);
    let denies = status.is_some() || reason.is_some() || !headers.is_empty() || body.is_some();
    let allows = !upstream.is_empty();
    let place = fields.place();
    let allowed = match (unbroken(decision)?, denies, allows) {
        (Some(true), true, _) | (None, true, true) => return contradiction(bag, place, true),
        (Some(false), _, true) => return contradiction(bag, place, false),
        (Some(allowed), ..) => allowed,
        (None, true, false) => false,
        (None, false, true) => true,
        (None, false, false) => {
            let problem = Problem::error(place, "`expect` doesn't say whether the request may pass");
            bag.push(problem.help("add `decision: allow` or `decision: deny`"));
            return None;
        }
    };
    if let (Some(status), Some(reason)) = (status, reason)
        && status != status_of(reason)
    {
        let message = format!("`{}` is answered with {}, not {status}", reason.code(), status_of(reason));
        bag.push(Problem::error(place, message).help("remove one of the two"));
        return None;
    }
    Some(Expectation { allowed, status, reason, rule, headers, upstream, body })
}

/// What is broken is broken; what is not there is nothing.
#[expect(clippy::option_option, reason = "broken, missing, there")]
fn unbroken<T>(field: Option<Option<T>>) -> Option<Option<T>> {
    match field {
        None => Some(None),
        Some(value) => value.map(Some),
    }
}

fn contradiction<T>(bag: &mut Bag, place: &Place, allowed: bool) -> Option<T> {
    let problem = if allowed {
        let problem =
            Problem::error(place, "a request that may pass has no answer of ours: no status, reason, header or body");
        problem.help("headers that go to the upstream are `upstream`")
    } else {
        Problem::error(place, "a denied request has no upstream").help("headers of the answer are `headers`")
    };
    bag.push(problem);
    None
}

fn tests(bag: &mut Bag, entry: Option<&Entry>) -> Option<Vec<(String, TextTest)>> {
    let Some(entry) = entry else { return Some(Vec::new()) };
    let members = value::members(bag, entry, &format!("{}: {{ name: value }}", entry.key))?;
    if members.is_empty() {
        bag.push(Problem::error(&entry.place, format!("`{}` asks for nothing", entry.key)).help("remove it"));
        return None;
    }
    let tests = members.iter().map(|member| {
        super::request::is_header_name(bag, member)?;
        let test = value::text_test(bag, member)?;
        Some((member.key.to_ascii_lowercase(), test))
    });
    tests.collect()
}

/// A status that a denial can have.
fn status_of_number(bag: &mut Bag, number: &Number, node: &Node) -> Option<u16> {
    let status = number.as_u64().and_then(|number| u16::try_from(number).ok());
    if let Some(status) = status.filter(|status| STATUSES.contains(status)) {
        return Some(status);
    }
    let problem = Problem::error(&node.place, format!("no denial has the status `{number}` in a test"));
    bag.push(match number.as_u64() {
        Some(200..=299) => problem.help("a request that may pass has none of ours: write `allow`"),
        Some(500..=599) => problem.help("keys are never missing in a test: 400, 401 or 403"),
        _ => problem.help("400, 401 or 403"),
    });
    None
}

fn status_of(reason: DenyReason) -> u16 {
    challenge::answer(reason, None).status.http()
}

/// Whether a test can bring it about: keys are always there, and the request is always whole.
fn is_possible(reason: DenyReason) -> bool {
    STATUSES.contains(&status_of(reason))
}

fn reason_of(bag: &mut Bag, text: &str, node: &Node, words: &[&'static str]) -> Option<DenyReason> {
    match DenyReason::from_code(text) {
        Some(reason) if is_possible(reason) => Some(reason),
        Some(_) => {
            let problem = Problem::error(&node.place, format!("{} can't happen in a test", quoted(text)));
            bag.push(problem.help("keys and time are always there: this is for outages and overload"));
            None
        }
        None => {
            let codes: Vec<&str> =
                DenyReason::all().filter(|reason| is_possible(*reason)).map(DenyReason::code).collect();
            let problem = Problem::error(&node.place, format!("{} is not a reason for a denial", quoted(text)));
            // What people write most often for a denial: a fault of the token without its prefix.
            let prefixed = format!("token_{text}");
            let near = closest(text, codes.iter().copied().chain(words.iter().copied()));
            let meant = codes.iter().copied().find(|code| *code == prefixed).or(near);
            let status =
                STATUS_NAMES.iter().find(|(name, _)| text.eq_ignore_ascii_case(name)).filter(|_| !words.is_empty());
            bag.push(match meant {
                _ if let Some((_, status)) = status => problem.help(format!("write the status: `{status}`")),
                Some(meant) => problem.help(format!("did you mean `{meant}`?")),
                None => problem.help("write `allow`, `deny`, a status, or a reason such as `no_credentials`, `insufficient_scope`, `token_expired`"),
            });
            None
        }
    }
}
