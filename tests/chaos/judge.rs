//! The judge: compares an answer with the expected one.

use std::fmt;

use serde_json::Value;

use super::http1::{Break, Reply};

/// The identity headers that an allowed request brings to the upstream; `None` is a header that must not be there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Identity {
    /// The expected value of `x-auth-subject`.
    pub(crate) subject: Option<String>,
    /// The expected value of `x-auth-scopes`.
    pub(crate) scopes: Option<String>,
    /// The expected value of `x-auth-issuer`.
    pub(crate) issuer: Option<String>,
    /// The expected value of `x-auth-client-id`.
    pub(crate) client_id: Option<String>,
}

/// The answer that a request must get.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    /// The upstream's own answer to that path, with that identity.
    Allow(Box<Identity>),
    /// A denial with that status and that `error` in its challenge; `None` is one without `error`.
    Deny(u16, Option<&'static str>),
    /// A denial, whether as the client's fault or ours: what a flood of tokens gets is not its right.
    Refuse,
    /// Either: the moment in which a token stops being good is not known.
    AllowOrDeny(Box<Identity>, u16),
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Allow(identity) => write!(f, "200 as {}", identity.subject.as_deref().unwrap_or("nobody")),
            Self::Deny(status, error) => write!(f, "{status} {}", error.unwrap_or("without error")),
            Self::Refuse => f.write_str("a denial"),
            Self::AllowOrDeny(_, status) => write!(f, "200 or {status}"),
        }
    }
}

/// The judge's result for one answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The answer is the expected one.
    Right,
    /// The request reached the upstream and must not.
    WrongAllow,
    /// The request reached the upstream with another identity than its token's.
    WrongIdentity(String),
    /// A denial in place of an allow, or another denial than the right one.
    WrongDeny,
    /// An answer of 5xx in place of a decision.
    Refused,
    /// There was no answer.
    Unanswered(Break),
}

/// Judges the answer to a request for `path`.
pub(crate) fn judge(expected: &Expected, path: &str, answer: &Result<Reply, Break>) -> Verdict {
    let reply = match answer {
        Ok(reply) => reply,
        Err(Break::Malformed) => return Verdict::WrongDeny,
        Err(why) => return Verdict::Unanswered(*why),
    };
    // Only the upstream tells which headers it saw, whatever its status.
    let echo = serde_json::from_slice::<Value>(&reply.body).ok().filter(|echo| echo.get("headers").is_some());
    match (expected, echo) {
        (Expected::Allow(identity) | Expected::AllowOrDeny(identity, _), Some(echo)) => {
            allowed(identity, path, reply.status, &echo)
        }
        (Expected::Deny(..) | Expected::Refuse, Some(_)) => Verdict::WrongAllow,
        (_, None) if (200..400).contains(&reply.status) => Verdict::WrongAllow,
        (Expected::Refuse, None) => Verdict::Right,
        (_, None) if reply.status >= 500 => Verdict::Refused,
        (Expected::Deny(status, error), None) if reply.status == *status && challenge(reply) == *error => {
            Verdict::Right
        }
        (Expected::AllowOrDeny(_, status), None) if reply.status == *status => Verdict::Right,
        (Expected::Allow(_) | Expected::Deny(..) | Expected::AllowOrDeny(..), None) => Verdict::WrongDeny,
    }
}

fn allowed(identity: &Identity, path: &str, status: u16, echo: &Value) -> Verdict {
    let header = |name: &str| echo.get("headers").and_then(|headers| headers.get(name));
    let expected = [
        ("x-auth-subject", &identity.subject),
        ("x-auth-scopes", &identity.scopes),
        ("x-auth-issuer", &identity.issuer),
        ("x-auth-client-id", &identity.client_id),
    ];
    for (name, wanted) in expected {
        let found = header(name);
        // Repeated headers are a list, and equal to no text.
        let is_right = match (wanted, found) {
            (None, None) => true,
            (Some(wanted), Some(found)) => found.as_str() == Some(wanted),
            (None, Some(_)) | (Some(_), None) => false,
        };
        if !is_right {
            return Verdict::WrongIdentity(format!("{name} is {found:?} and must be {wanted:?}"));
        }
    }
    if status == 200 && echo.get("path").and_then(Value::as_str) == Some(path) {
        Verdict::Right
    } else {
        Verdict::WrongIdentity(format!("status {status} of the upstream for another path than {path}"))
    }
}

/// Returns the `error` of the challenge.
fn challenge(reply: &Reply) -> Option<&str> {
    reply.header("www-authenticate")?.split_once("error=\"")?.1.split('"').next()
}
