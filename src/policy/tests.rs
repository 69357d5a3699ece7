//! What one policy decides about one request. `laws` holds what is true of all policies, `problems` and `force` what is reported.

mod force;
mod laws;
mod lax;
mod problems;
mod random;

use super::{
    rule::{Access, Requirement, RuleId},
    scope::{Scope, ScopeRequirement},
    *,
};

/// A rule that asks for these scopes.
fn scoped(scopes: &[&str]) -> Access {
    let all = scopes.iter().map(|text| Scope::parse(text).unwrap().into()).collect();
    Access::Token(Requirement { scopes: ScopeRequirement { all, any: vec![] }, ..Requirement::default() })
}

/// `[METHOD,METHOD ][HOST]/PATH`, as a rule of that name.
fn route(text: &str, access: Access) -> Route {
    let (methods, rest) = text.split_once(' ').unwrap_or(("", text));
    let (host, path) = rest.split_at(rest.find('/').unwrap());
    let named = methods.split(',').filter(|name| !name.is_empty()).map(|name| Method::parse(name).unwrap());
    Route {
        host: HostPattern::parse(if host.is_empty() { "*" } else { host }).unwrap(),
        path: PathPattern::parse(path).unwrap(),
        methods: Methods::only(named).unwrap_or(Methods::Any),
        rule: Rule { id: RuleId::new(text), access },
        shadows: false,
    }
}

fn target(method: &str, host: &str, path: &str) -> RequestTarget {
    RequestTarget {
        host: (!host.is_empty()).then(|| Host::parse(host).unwrap()),
        path: CanonicalPath::parse(path).unwrap(),
        method: Method::parse(method).unwrap(),
    }
}

/// The policy of these routes, all of which ask for the same.
pub(super) fn policy(routes: &[&str]) -> Policy {
    let routes = routes.iter().map(|text| route(text, scoped(&["s"]))).collect();
    Policy::build(routes, None).unwrap_or_else(|problems| panic!("{problems:?}")).0
}

fn with_default(routes: &[&str]) -> Policy {
    let default = Rule { id: RuleId::new("default"), access: scoped(&[]) };
    Policy { default: Some(default), ..policy(routes) }
}

/// The name of the rule that decides, or the code of the denial.
pub(super) fn selected(policy: &Policy, method: &str, host: &str, path: &str) -> String {
    policy.select(&target(method, host, path)).map_or_else(|denied| denied.code().into(), |rule| rule.id.to_string())
}

#[test]
fn the_truth_table() {
    /// Patterns; paths and what decides about each.
    type Line<'t> = (&'t [&'t str], &'t [(&'t str, &'t str)]);
    let deep = ["/a/b/c", "/a/{x}/d", "/a/**", "/a/{x}", "/**"];
    let table: [Line<'_>; 5] = [
        (&["/admin/**", "/**"], &[("/admin", "/admin/**"), ("/admin/", "/admin/**"), ("/admin/x/y", "/admin/**")]),
        (&["/**"], &[("/", "/**")]),
        (
            &deep,
            &[
                ("/a/b/c", "/a/b/c"),
                ("/a/b/d", "/a/{x}/d"),
                ("/a/z/e", "/a/**"),
                ("/a/q", "/a/{x}"),
                ("/a", "/a/**"),
                ("/q", "/**"),
            ],
        ),
        (
            &["/api/messages/{id}", "/api/messages/**"],
            &[
                ("/api/messages/7", "/api/messages/{id}"),
                ("/api/messages", "/api/messages/**"),
                ("/api/messages/7/x", "/api/messages/**"),
            ],
        ),
        (&["/a/{x}"], &[("/a", "no_route"), ("/a/", "no_route"), ("/a/b/c", "no_route"), ("/a/b/", "/a/{x}")]),
    ];
    for (patterns, requests) in table {
        for (path, expected) in requests {
            assert_eq!(&selected(&policy(patterns), "GET", "h", path), expected, "{patterns:?} {path}");
        }
    }
    let by_method = policy(&["GET /a", "/**"]);
    assert_eq!(selected(&by_method, "POST", "h", "/a"), "method_not_admitted");
    assert_eq!(selected(&by_method, "HEAD", "h", "/a/"), "GET /a");
    assert_eq!(selected(&by_method, "POST", "h", "/a/b"), "/**");
}

#[test]
fn an_empty_policy_denies_everything() {
    assert_eq!(selected(&Policy::default(), "GET", "h", "/"), "no_route");
    assert_eq!(selected(&Policy::default(), "CONNECT", "h", "/"), "request_connect");
}

#[test]
fn the_most_special_host_table_with_a_pattern_for_the_path_decides() {
    let policy =
        policy(&["x.a.io/p", "*.a.io/p", "*.a.io/q", "*.io/p", "*.io/r", "/p", "/q", "/s", "/t", "GET x.a.io/s"]);
    for (host, path, expected) in [
        ("x.a.io", "/p", "x.a.io/p"),
        ("y.a.io", "/p", "*.a.io/p"),
        ("y.x.a.io", "/p", "*.a.io/p"),
        ("a.io", "/p", "*.io/p"),
        ("b.io", "/p", "*.io/p"),
        ("io", "/p", "/p"),
        ("xa.io", "/q", "/q"),
        ("x.a.io", "/q", "*.a.io/q"),
        ("x.a.io", "/r", "*.io/r"),
        ("other", "/p", "/p"),
        ("", "/p", "request_host"),
        ("", "/r", "request_host"),
        ("", "/t", "/t"),
        ("", "/none", "no_route"),
        ("x.a.io", "/none", "no_route"),
    ] {
        assert_eq!(selected(&policy, "GET", host, path), expected, "{host} {path}");
    }
    // No falling through to the rule for any host.
    assert_eq!(selected(&policy, "POST", "x.a.io", "/s"), "method_not_admitted");
}

#[test]
fn the_default_is_for_paths_that_no_pattern_covers() {
    let policy = with_default(&["GET /admin/{id}", "a.io/x"]);
    assert_eq!(selected(&policy, "GET", "h", "/other"), "default");
    assert_eq!(selected(&policy, "DELETE", "h", "/admin/7"), "method_not_admitted");
    assert_eq!(selected(&policy, "GET", "a.io", "/admin/7"), "GET /admin/{id}");
    assert_eq!(selected(&policy, "CONNECT", "h", "/other"), "request_connect");
    assert_eq!(selected(&policy, "GET", "h", "/ADMIN/7"), "request_case_ambiguous");
}

#[test]
fn connect_needs_a_rule_that_names_it() {
    let policy = policy(&["/**", "CONNECT /tunnel", "/tunnel"]);
    assert_eq!(selected(&policy, "CONNECT", "h", "/tunnel"), "CONNECT /tunnel");
    assert_eq!(selected(&policy, "GET", "h", "/tunnel"), "/tunnel");
    assert_eq!(selected(&policy, "CONNECT", "h", "/"), "request_connect");
    assert_eq!(selected(&policy, "connect", "h", "/tunnel"), "request_connect");
    assert_eq!(selected(&policy, "TRACE", "h", "/tunnel"), "/tunnel");
}

#[test]
fn a_path_that_folding_brings_to_another_pattern_is_refused() {
    let ambiguous = "request_case_ambiguous";
    for (patterns, path, expected) in [
        (&["/api/private", "/**"], "/API/Private", ambiguous),
        (&["/api/private", "/**"], "/Api/Other", "/**"),
        (&["/api/private", "/api/{x}"], "/api/PRIVATE", ambiguous),
        (&["/api/private", "/api/{x}"], "/api/Other", "/api/{x}"),
        (&["/api/private", "/api/{x}"], "/API/other", ambiguous),
        (&["/API/x", "/**"], "/api/x", ambiguous),
        (&["/API/x", "/**"], "/API/x", "/API/x"),
        (&["/API/x", "/**"], "/API/X", ambiguous),
        (&["/API/x", "/other"], "/api/x", ambiguous),
        (&["/API/x", "/other"], "/Api/y", "no_route"),
        (&["/users/{id}", "/x"], "/users/Alice%40example.com", "/users/{id}"),
        (&["/v1/x:admin", "/**"], "/v1/x%3Aadmin", ambiguous),
        (&["/v1/x:admin", "/**"], "/v1/x:admin", "/v1/x:admin"),
        (&["/v1/x%3Aadmin", "/**"], "/v1/x:admin", ambiguous),
        (&["/caf%C3%A9", "/**"], "/caf%c3%a9", "/caf%C3%A9"),
        (&["/caf%C3%A9/**", "/**"], "/caf%C3%89/x", ambiguous),
        (&["/caf%C3%A9/**", "/**"], "/caf%c3%a9/x", "/caf%C3%A9/**"),
        (&["/keys/**", "/**"], "/%E2%84%AAeys/x", ambiguous),
        (&["/users/**", "/**"], "/u%C5%BFers/x", ambiguous),
        (&["/users/{name}", "/**"], "/users/%C3%89mile", "/users/{name}"),
        (&["a.io/x", "/**"], "/X", ambiguous),
    ] {
        assert_eq!(selected(&policy(patterns), "GET", "a.io", path), expected, "{patterns:?} {path}");
    }
}

#[test]
fn the_deciding_pattern_can_be_asked_for() {
    let policy = policy(&["GET *.io/{x}"]);
    let (host, path) = policy.deciding_pattern(&target("POST", "a.io", "/b")).unwrap().unwrap();
    assert_eq!((host.to_string(), path.to_string()), ("*.io".to_owned(), "/{x}".to_owned()));
    assert!(policy.deciding_pattern(&target("GET", "a.io", "/")).unwrap().is_none());
}

#[test]
fn ten_thousand_routes_are_indexed_and_found() {
    let texts: Vec<String> = (0..10_000).map(|n| format!("/svc{}/v1/items{n}/{{id}}", n % 100)).collect();
    let policy = policy(&texts.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(selected(&policy, "GET", "h", "/svc77/v1/items4277/9"), "/svc77/v1/items4277/{id}");
    assert_eq!(selected(&policy, "GET", "h", "/svc78/v1/items4277/9"), "no_route");
    assert_eq!(policy.rules().count(), 10_000);
}

#[test]
fn a_policy_can_be_shared_between_threads() {
    fn shared<T: fmt::Debug + Send + Sync + 'static>() {}
    shared::<Policy>();
}
