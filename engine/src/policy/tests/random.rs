//! Small random policies and requests that collide, and the slow, obvious way to decide.

use proptest::{prelude::*, sample::select};

use super::*;

/// Texts of routes, see `route`.
pub(super) fn route_text() -> impl Strategy<Value = String> {
    let methods = select(vec!["", "", "", "GET ", "POST ", "GET,HEAD ", "HEAD ", "CONNECT ", "COPY "]);
    let hosts = select(vec!["", "", "", "", "a.x", "*.x", "*.a.x"]);
    let segments = prop::collection::vec(
        select(vec!["a", "k", "A", "%C3%A9", "%C3%89", "%E2%84%AA", "{p}", "{q}", "{p}:k", "{q}:K", "a:k"]),
        0..4,
    );
    (methods, hosts, segments, any::<bool>()).prop_map(|(method, host, segments, tail)| {
        let path: String = segments.iter().map(|segment| format!("/{segment}")).collect();
        let end = if tail {
            "/**"
        } else if path.is_empty() {
            "/"
        } else {
            ""
        };
        format!("{method}{host}{path}{end}")
    })
}

pub(super) fn access() -> impl Strategy<Value = Access> {
    select(vec![Access::Public, Access::Optional, scoped(&[]), scoped(&["a"]), scoped(&["b"]), scoped(&["a", "b"])])
}

/// Routes of which no two claim the same requests, or requests that fold to the same.
pub(super) fn routes(count: usize) -> impl Strategy<Value = Vec<Route>> {
    prop::collection::vec((route_text(), access()), 0..count).prop_map(|drawn| {
        let mut routes: Vec<Route> = Vec::new();
        for (text, access) in drawn {
            let mut longer = routes.clone();
            longer.push(route(&text, access));
            let (_, problems) = indexed(&longer);
            if !problems.iter().any(PolicyProblem::is_error) {
                routes = longer;
            }
        }
        routes
    })
}

/// Method, host and path.
pub(super) type Request = (&'static str, &'static str, String);

pub(super) fn request() -> impl Strategy<Value = Request> {
    let texts = ["a", "k", "A", "K", "%C3%A9", "%C3%89", "%E2%84%AA", "z", "a:k", "z:k", "z:K", "a%3Ak", ":k"];
    let segments = prop::collection::vec(select(texts.to_vec()), 0..5);
    (
        select(vec!["GET", "POST", "HEAD", "CONNECT", "PUT", "COPY"]),
        select(vec!["", "a.x", "x", "b.x", "b.a.x", "y"]),
        segments,
    )
        .prop_map(|(method, host, segments)| (method, host, format!("/{}", segments.join("/"))))
}

/// The index alone, without looking for crossings and shadowings.
pub(super) fn indexed(routes: &[Route]) -> (Policy, Vec<PolicyProblem>) {
    let (mut policy, mut problems) = (Policy::default(), Vec::new());
    for (index, route) in routes.iter().enumerate() {
        policy.add(index, route.clone(), &mut problems);
    }
    (policy, problems)
}

/// How special the route's host is, if it fits.
fn host_rank(route: &Route, host: &str) -> Option<usize> {
    match route.host.to_string().strip_prefix('*') {
        None => (route.host.to_string() == host).then_some(usize::MAX),
        Some("") => Some(0),
        Some(suffix) => (host.len() > suffix.len() && host.ends_with(suffix)).then_some(suffix.len()),
    }
}

/// The rank of a pattern, greater first where two differ: the end, a literal, a verb, a parameter, a tail.
fn specificity(pattern: &str) -> Vec<u8> {
    let of = |segment: &str| {
        if segment == "**" {
            0
        } else if segment.starts_with("{}:") {
            2
        } else if segment.starts_with('{') {
            1
        } else {
            3
        }
    };
    let end = if pattern.ends_with("**") { None } else { Some(4) };
    pattern.split('/').filter(|segment| !segment.is_empty()).map(of).chain(end).collect()
}

pub(super) fn matches(pattern: &str, path: &str) -> bool {
    let split = |text: &str| text.split('/').filter(|s| !s.is_empty()).map(str::to_owned).collect::<Vec<_>>();
    let (pattern, path) = (split(pattern), split(path));
    let (fixed, tail) = match pattern.split_last() {
        Some((last, fixed)) if last == "**" => (fixed, true),
        _ => (&*pattern, false),
    };
    (path.len() == fixed.len() || tail && path.len() > fixed.len())
        && fixed.iter().zip(&path).all(|(segment, found)| match segment.strip_prefix("{}") {
            Some("") => true,
            Some(verb) => found.ends_with(verb) && found.len() > verb.len(),
            None => segment == found,
        })
}

/// The text of the pattern, its parameters without names.
pub(super) fn pattern(route: &Route) -> String {
    route.path.to_string().replace("{p}", "{}").replace("{q}", "{}")
}

/// Decoded, in lower case: of the characters that are drawn none has two lower-case forms.
pub(super) fn folded(text: &str) -> String {
    let decoded =
        text.replace("%C3%A9", "é").replace("%C3%89", "É").replace("%E2%84%AA", "\u{212a}").replace("%3A", ":");
    decoded.to_lowercase()
}

/// Whether the route's own pattern matches the request, folded.
pub(super) fn concerns(route: &Route, (_, host, path): &Request) -> bool {
    // Without a host every host's route may be meant.
    (host.is_empty() || host_rank(route, host).is_some()) && matches(&folded(&pattern(route)), &folded(path))
}

/// Host and pattern that decide, by comparing all.
pub(super) fn winner(routes: &[Route], host: &str, path: &str, fold: bool) -> Option<(String, String)> {
    let as_seen = |text: &str| if fold { folded(text) } else { text.to_owned() };
    let fitting = routes.iter().filter(|route| matches(&as_seen(&pattern(route)), &as_seen(path)));
    let ranked = fitting.filter_map(|route| Some((host_rank(route, host)?, specificity(&pattern(route)), route)));
    let best = ranked.max_by_key(|(rank, specificity, _)| (*rank, specificity.clone()))?.2;
    Some((best.host.to_string(), pattern(best)))
}

/// The rule of that pattern for the method.
pub(super) fn rule_for<'r>(routes: &'r [Route], won: &(String, String), method: &str) -> Option<&'r Route> {
    let names = |route: &Route, name: &str| match &route.methods {
        Methods::Any => false,
        Methods::Only(set) => set.as_slice().iter().any(|method| method.as_str() == name),
    };
    let own: Vec<&Route> = routes.iter().filter(|route| (route.host.to_string(), pattern(route)) == *won).collect();
    let find = |name: &str| own.iter().copied().find(|route| names(route, name));
    let by_get = || if method == "HEAD" { find("GET") } else { None };
    let by_any =
        || own.iter().copied().find(|route| route.methods == Methods::Any && !["CONNECT", "COPY"].contains(&method));
    find(method).or_else(by_get).or_else(by_any)
}

/// The decision, as `selected` gives it.
pub(super) fn reference(routes: &[Route], (method, host, path): &Request) -> String {
    let needs_host = |route: &&Route| route.host != HostPattern::Any && concerns(route, &(method, host, path.clone()));
    if host.is_empty() && routes.iter().any(|route| needs_host(&route)) {
        return "request_host".to_owned();
    }
    let won = winner(routes, host, path, false);
    if won != winner(routes, host, path, true) {
        return "request_case_ambiguous".to_owned();
    }
    match won.as_ref().map(|won| rule_for(routes, won, method)) {
        Some(Some(route)) => route.rule.id.to_string(),
        Some(None) | None if *method == "CONNECT" => "request_connect".to_owned(),
        Some(None) => "method_not_admitted".to_owned(),
        None => "no_route".to_owned(),
    }
}
