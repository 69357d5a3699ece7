//! `allowed_headers` and `disallowed_headers`: what Portcullis does not see it can neither judge nor remove.

use std::collections::BTreeSet;

use super::matcher;
use crate::{
    config::lint::Lint,
    document::{
        suggest::quoted,
        tree::{Entry, Node},
    },
    tools::envoy_lint::{around::Around, findings::Findings, read},
};
use portcullis_engine::answer::identity::{Aliases, IdentityHeaders, spellings};

/// Names that a message shows.
const SHOWN: usize = 3;

/// Lints both lists. Where `without_underscores` no header with `_` in its name comes so far.
pub(crate) fn lint(findings: &mut Findings, around: &Around<'_>, config: &Node, without_underscores: bool) {
    let allowed = read::field(config, "allowed_headers");
    let disallowed = read::field(config, "disallowed_headers");
    if let Some(entry) = hides("authorization", allowed, disallowed) {
        let message = format!("`{}` hides `authorization`: Portcullis sees no token, and denies", entry.key);
        findings.error(Lint::EnvoyHiddenHeaders, &entry.place, message, remedy(entry, "authorization"));
    }
    for (name, what) in [
        ("x-request-id", "denials and the log lack it"),
        ("content-type", "gRPC clients get answers that are not gRPC"),
    ] {
        if let Some(entry) = hides(name, allowed, disallowed) {
            let message = format!("`{}` hides `{name}`: {what}", entry.key);
            findings.warn_closed(Lint::EnvoyHiddenHeaders, &entry.place, message, remedy(entry, name));
        }
    }
    if around.identity.aliases == Aliases::Seen {
        let comes = |name: &str| !(without_underscores && name.contains('_'));
        lint_aliases(findings, around.identity, (allowed, disallowed), comes);
    }
}

/// Other spellings of headers that clients must not bring are removed where they are seen.
fn lint_aliases(
    findings: &mut Findings,
    identity: &IdentityHeaders,
    (allowed, disallowed): (Option<&Entry>, Option<&Entry>),
    comes: impl Fn(&str) -> bool,
) {
    let with_identity: BTreeSet<&str> = identity.guarded().collect();
    let removed: BTreeSet<&str> = identity.removed().filter(|name| !with_identity.contains(name)).collect();
    // Most of the names themselves are removed blindly.
    let is_removed = |name: &str| removed.contains(name) && !identity.is_removed_only_if_seen(name);
    let is_named = |spelling: &str| with_identity.contains(spelling) || is_removed(spelling);
    let all = with_identity.iter().chain(&removed).flat_map(|name| spellings(name));
    let all = all.filter(|spelling| comes(spelling) && !is_named(spelling));
    let mut hidden = all.filter_map(|name| hides(&name, allowed, disallowed).map(|entry| (entry, name)));
    let Some((entry, first)) = hidden.next() else { return };
    let mut shown = vec![quoted(&first)];
    shown.extend(hidden.by_ref().take(SHOWN.saturating_sub(1)).map(|(_, name)| quoted(&name)));
    let more = if hidden.next().is_some() { " and others" } else { "" };
    let message = format!(
        "`{}` hides {}{more}: backends may take such a spelling for a header that Portcullis removes, and it does not see them",
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
