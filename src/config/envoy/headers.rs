//! `allowed_headers` and `disallowed_headers`: what Portcullis does not see it can neither judge nor remove.

use std::collections::BTreeSet;

use super::{Around, findings::Findings, matcher, quoted, read};
use crate::{
    config::{
        lint::Lint,
        tree::{Entry, Node},
    },
    identity::{Aliases, IdentityHeaders, OVERRIDES, spellings},
};

/// Names that a message shows.
const SHOWN: usize = 3;

pub(super) fn lint(findings: &mut Findings, around: &Around<'_>, config: &Node) {
    let allowed = read::field(config, "allowed_headers");
    let disallowed = read::field(config, "disallowed_headers");
    if let Some(entry) = hides("authorization", allowed, disallowed) {
        let message = format!("`{}` hides `authorization`: Portcullis sees no token, and denies", entry.key);
        findings.error(Lint::EnvoyHiddenHeaders, &entry.place, message, remedy(entry, "authorization"));
    }
    for (name, what) in
        [("x-request-id", "denials and the log lack it"), ("content-type", "gRPC clients get answers that are none")]
    {
        if let Some(entry) = hides(name, allowed, disallowed) {
            let message = format!("`{}` hides `{name}`: {what}", entry.key);
            findings.warn(Lint::EnvoyHiddenHeaders, &entry.place, message, remedy(entry, name));
        }
    }
    if around.identity.aliases == Aliases::Seen {
        lint_aliases(findings, around.identity, allowed, disallowed);
    }
}

/// Other spellings of headers that clients must not bring are removed where they are seen.
fn lint_aliases(
    findings: &mut Findings,
    identity: &IdentityHeaders,
    allowed: Option<&Entry>,
    disallowed: Option<&Entry>,
) {
    let overrides = OVERRIDES.iter().copied().filter(|_| !identity.forward_overrides);
    let guarded: BTreeSet<&str> = identity.guarded().chain(overrides).collect();
    // The names themselves are removed blindly.
    let all = guarded.iter().flat_map(|name| spellings(name)).filter(|spelling| !guarded.contains(spelling.as_str()));
    let mut hidden = all.filter_map(|name| hides(&name, allowed, disallowed).map(|entry| (entry, name)));
    let Some((entry, first)) = hidden.next() else { return };
    let mut shown = vec![quoted(&first)];
    shown.extend(hidden.by_ref().take(SHOWN.saturating_sub(1)).map(|(_, name)| quoted(&name)));
    let more = if hidden.next().is_some() { " and others" } else { "" };
    let message = format!(
        "`{}` hides {}{more}: a client can forge an identity with such a spelling, and Portcullis does not see it",
        entry.key,
        shown.join(", ")
    );
    let help = format!(
        "set `identity.aliases: always` in the configuration of Portcullis, which removes them unseen, or remove `{}`",
        entry.key
    );
    findings.warn(Lint::EnvoyHiddenHeaders, &entry.place, message, help);
}

/// The list that keeps a header from Portcullis. What stands in both is not sent.
fn hides<'n>(name: &str, allowed: Option<&'n Entry>, disallowed: Option<&'n Entry>) -> Option<&'n Entry> {
    let by_omission = allowed.filter(|entry| !matcher::may_match(&entry.node, name));
    disallowed.filter(|entry| matcher::does_match(&entry.node, name)).or(by_omission)
}

fn remedy(entry: &Entry, name: &str) -> String {
    if read::is_named(&entry.key, "allowed_headers") {
        format!("add `- exact: {name}`, or remove `{}`: then Portcullis sees every header", entry.key)
    } else {
        format!("take `{name}` out of it, or remove `{}`: then Portcullis sees every header", entry.key)
    }
}
