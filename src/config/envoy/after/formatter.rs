//! Envoy's formatter commands (`%REQ(x-path)%`): tells whether a text has a part that the client chooses and Portcullis does not judge.

use crate::identity::{IdentityHeaders, fold};

/// Commands that give a part of the request, or what filters made of one.
const FROM_REQUESTS: [&str; 7] = [
    "REQ(",
    "REQ_WITHOUT_QUERY(",
    "QUERY_PARAM(",
    "QUERY_PARAMS(",
    "DYNAMIC_METADATA(",
    "FILTER_STATE(",
    "REQUESTED_SERVER_NAME",
];
/// The metadata of ext_authz, which Portcullis writes.
const OUR_METADATA: &str = "DYNAMIC_METADATA(envoy.filters.http.ext_authz";

/// Tells whether a text has a command whose value no decision of Portcullis covers.
pub(super) fn is_chosen_by_client(text: &str, identity: &IdentityHeaders) -> bool {
    // Anything but `%` may stand between two commands, and `%%` is a command.
    text.split('%').skip(1).any(|part| {
        FROM_REQUESTS.iter().any(|command| part.starts_with(command))
            && !part.starts_with(OUR_METADATA)
            && !names(part).is_some_and(|mut names| names.all(|name| is_judged(name, identity)))
    })
}

/// Tells whether Portcullis judges the value of a header, or sets it.
pub(super) fn is_judged(name: &str, identity: &IdentityHeaders) -> bool {
    let folded = fold(name);
    let is_judged = [":path", ":authority", ":method", "host"].contains(&name.to_ascii_lowercase().as_str());
    is_judged || identity.guarded().any(|guarded| fold(guarded) == folded)
}

/// Returns the names of the headers in a command: `%REQ(X?Y):Z%` has two, and the most that may be taken of them.
fn names(command: &str) -> Option<impl Iterator<Item = &str>> {
    let command = command.strip_prefix("REQ(").or_else(|| command.strip_prefix("REQ_WITHOUT_QUERY("))?;
    let inner = command.rsplit_once(')').map_or(command, |(inner, _)| inner);
    Some(inner.split('?'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_clients_choose_is_told_from_what_portcullis_judges() {
        let identity = IdentityHeaders::default();
        for text in [
            "%REQ(x-path)%",
            "/a%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%",
            "%REQ(x-tenant):10%.internal",
            "%QUERY_PARAM(a)%",
            "%DYNAMIC_METADATA(other:key)%",
            "%REQUESTED_SERVER_NAME%",
            "100%%REQ(x-a)%",
        ] {
            assert!(is_chosen_by_client(text, &identity), "{text}");
        }
        for text in [
            "",
            "/v1",
            "/v1%REQ(:path)%",
            "%REQ(:AUTHORITY)%",
            "%REQ(X-Auth-Subject)%",
            "%DYNAMIC_METADATA(envoy.filters.http.ext_authz:sub)%",
            "%UPSTREAM_HOST%",
            "REQ(x-path)",
        ] {
            assert!(!is_chosen_by_client(text, &identity), "{text}");
        }
    }
}
