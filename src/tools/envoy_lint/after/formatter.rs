//! Envoy's formatter commands (`%REQ(x-path)%`): tells whether a text has a part that the client chooses and Portcullis does not judge.

use portcullis_engine::answer::identity::{IdentityHeaders, fold};

/// Commands whose values no client chooses. All others count as chosen: new releases of Envoy bring new ones.
const OWN: [&str; 11] = [
    "START_TIME",
    "START_TIME_LOCAL",
    "PROTOCOL",
    "HOSTNAME",
    "ENVIRONMENT",
    "ROUTE_NAME",
    "VIRTUAL_CLUSTER_NAME",
    "FILTER_CHAIN_NAME",
    "CONNECTION_ID",
    "STREAM_ID",
    "UNIQUE_ID",
];
/// The beginnings of names of such commands.
const OWN_FAMILIES: [&str; 3] = ["UPSTREAM_", "DOWNSTREAM_", "CLUSTER_METADATA"];
/// The metadata of ext_authz, which Portcullis writes.
const OUR_METADATA: [&str; 2] = ["(envoy.filters.http.ext_authz", "(DYNAMIC:envoy.filters.http.ext_authz"];
/// The header that `%PATH%` prefers to the path that was judged.
const ORIGINAL_PATH: &str = "x-envoy-original-path";

/// Tells whether a text has a command whose value no decision of Portcullis covers. Without the headers of an identity, Envoy
/// expands the text before it asks, so that clients choose these headers as well.
pub(super) fn is_chosen_by_client(text: &str, identity: Option<&IdentityHeaders>) -> bool {
    let is_ours = |rest: &str| identity.is_some() && OUR_METADATA.iter().any(|ours| rest.starts_with(ours));
    commands(text).any(|(name, rest)| match name {
        "REQ" | "REQ_WITHOUT_QUERY" | "REQUEST_HEADER" => !headers(rest).all(|name| is_judged(name, identity)),
        "PATH" => !takes_path_alone(rest) && !is_judged(ORIGINAL_PATH, identity),
        "DYNAMIC_METADATA" => !is_ours(rest),
        "METADATA" => rest.starts_with("(DYNAMIC") && !is_ours(rest),
        _ => !OWN.contains(&name) && !OWN_FAMILIES.iter().any(|family| name.starts_with(family)),
    })
}

/// Returns what may be commands: their names, and what follows up to the next `%`. In a format of times, `%Y` is none.
fn commands(text: &str) -> impl Iterator<Item = (&str, &str)> {
    // Anything but `%` may stand between two commands, and `%%` is a command. What no `%` ends is none.
    let ended = text.rsplit_once('%').map_or("", |(ended, _)| ended);
    ended.split('%').skip(1).filter_map(|part| {
        let end = part.find(|c: char| !c.is_ascii_uppercase() && !c.is_ascii_digit() && c != '_');
        let (name, rest) = part.split_at(end.unwrap_or(part.len()));
        let is_one = name.len() > 2 && (rest.is_empty() || rest.starts_with(['(', ':']));
        is_one.then_some((name, rest))
    })
}

/// Tells whether the parameters of `%PATH(X:Y)%` name the path of the request, and no header with another one.
fn takes_path_alone(parameters: &str) -> bool {
    let inner = parameters.split(')').next().unwrap_or_default();
    inner.split(':').nth(1) == Some("PATH")
}

/// Tells whether Portcullis judges the value of a header, or sets it to an identity before Envoy reads it.
pub(super) fn is_judged(name: &str, identity: Option<&IdentityHeaders>) -> bool {
    let folded = fold(name);
    let is_judged = [":path", ":authority", ":method", "host"].contains(&name.to_ascii_lowercase().as_str());
    is_judged || identity.is_some_and(|identity| identity.guarded().any(|guarded| fold(guarded) == folded))
}

/// Returns the names of the headers in the parameters of a command: `(X?Y):Z` has two, and the most that may be taken of them.
fn headers(parameters: &str) -> impl Iterator<Item = &str> {
    let inner = parameters.strip_prefix('(').unwrap_or(parameters);
    inner.rsplit_once(')').map_or(inner, |(inner, _)| inner).split('?')
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
            "%REQUEST_HEADER(x-tenant)%",
            "%CEL(request.headers['x-token'])%",
            "%COALESCE({\"operators\": [\"REQUESTED_SERVER_NAME\"]})%",
            "%PATH%",
            "%PATH(NQ)%",
            "%PATH(WQ:ORIG)%",
            "%PATH(NQ:ORIG_OR_PATH):20%",
            "%METADATA(DYNAMIC:other:key)%",
            "%FILTER_STATE(key:PLAIN)%",
            "%TRACE_ID%",
            "%NEW_COMMAND%",
        ] {
            assert!(is_chosen_by_client(text, Some(&identity)), "{text}");
        }
        for text in [
            "",
            "/v1",
            "/v1%REQ(:path)%",
            "%REQ(:AUTHORITY)%",
            "%REQ(X-Auth-Subject)%",
            "%DYNAMIC_METADATA(envoy.filters.http.ext_authz:sub)%",
            "%UPSTREAM_HOST%",
            "%REQUEST_HEADER(:path)%",
            "%PATH(NQ:PATH)%",
            "%PATH(:PATH):9%",
            "%METADATA(DYNAMIC:envoy.filters.http.ext_authz:sub)%",
            "%METADATA(ROUTE:a:b)%",
            "%START_TIME(%Y-%m-%dT%H:%M:%S%z)%",
            "%DOWNSTREAM_PEER_SUBJECT%-%UNIQUE_ID%",
            "%HOSTNAME%ABOUT",
            "REQ(x-path)",
        ] {
            assert!(!is_chosen_by_client(text, Some(&identity)), "{text}");
        }
    }

    #[test]
    fn before_portcullis_is_asked_clients_choose_identity_headers() {
        for text in ["%REQ(X-Auth-Subject)%", "%DYNAMIC_METADATA(envoy.filters.http.ext_authz:sub)%"] {
            assert!(is_chosen_by_client(text, None), "{text}");
        }
        for text in ["%REQ(:authority)%", "%REQ(:PATH)%", "a.internal:8080"] {
            assert!(!is_chosen_by_client(text, None), "{text}");
        }
    }
}
