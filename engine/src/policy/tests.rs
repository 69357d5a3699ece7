//! What one policy decides about one request. `laws` holds what is true of all policies, `problems` and `force` what is reported.

mod force;
mod laws;
mod lax;
mod problems;
mod random;

use super::{
    rule::{Access, Requirement, RuleId},
    *,
};
use crate::{
    oauth::scope::{Scope, ScopeRequirement},
    request::host::RequestHost,
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
        encoded_slashes: EncodedSlashes::Refuse,
    }
}

fn target(method: &str, host: &str, path: &str) -> RequestTarget {
    RequestTarget {
        host: (!host.is_empty()).then(|| RequestHost::parse(host).unwrap()),
        path: CanonicalPath::parse(path).unwrap(),
        method: Method::parse(method).unwrap(),
    }
}

/// The policy of these routes, all of which ask for the same.
pub(crate) fn policy(routes: &[&str]) -> Policy {
    let routes = routes.iter().map(|text| route(text, scoped(&["s"]))).collect();
    Policy::build(routes, None).unwrap_or_else(|problems| panic!("{problems:?}")).0
}

fn with_default(routes: &[&str]) -> Policy {
    let default = Rule { id: RuleId::new("default"), access: scoped(&[]) };
    Policy { default: Some(default), ..policy(routes) }
}

/// The name of the rule that decides, or the code of the denial.
pub(crate) fn selected(policy: &Policy, method: &str, host: &str, path: &str) -> String {
    policy.select(&target(method, host, path)).map_or_else(|denied| denied.code().into(), |rule| rule.id.to_string())
}

#[test]
fn the_truth_table() {
    /// Patterns; paths and what decides about each.
    type Line<'t> = (&'t [&'t str], &'t [(&'t str, &'t str)]);
    let deep = ["/a/b/c", "/a/{x}/d", "/a/**", "/a/{x}", "/**"];
    let verbs = ["/m/{id}", "/m/{id}:cancel", "/m/a:cancel", "/m/{id}:cancel/**", "/m/**"];
    let table: [Line<'_>; 6] = [
        (
            &verbs,
            &[
                ("/m/42", "/m/{id}"),
                ("/m/42:cancel", "/m/{id}:cancel"),
                ("/m/42:1:cancel", "/m/{id}:cancel"),
                ("/m/a:cancel", "/m/a:cancel"),
                ("/m/42:approve", "/m/{id}"),
                ("/m/:cancel", "/m/{id}"),
                ("/m/42:cancel:x", "/m/{id}"),
                ("/m/42:cancel/x", "/m/{id}:cancel/**"),
                ("/m/42:approve/x", "/m/**"),
                ("/m/42:Cancel", "request_case_ambiguous"),
                ("/m/42%3Acancel", "request_case_ambiguous"),
                ("/m/42:cancel%20", "/m/{id}"),
            ],
        ),
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
fn methods_with_a_second_resource_need_a_rule_that_names_them() {
    let webdav = with_default(&["/dav/**", "COPY,MOVE /dav/{file}", "/dav/{file}"]);
    for method in ["COPY", "MOVE", "BIND", "REBIND", "UNBIND", "MERGE", "UPDATE", "copy", "Move"] {
        assert_eq!(selected(&webdav, method, "h", "/dav/a/b"), "method_not_admitted", "{method}");
        assert_eq!(selected(&webdav, method, "h", "/elsewhere"), "method_not_admitted", "{method} by default");
        let named =
            webdav.clone().with_named([("n".to_owned(), Rule { id: RuleId::new("n"), access: Access::Public })]);
        let denied = named.select_named("n", &target(method, "h", "/")).unwrap_err();
        assert_eq!(denied.code(), "method_not_admitted", "{method} by a named policy");
    }
    assert_eq!(selected(&webdav, "COPY", "h", "/dav/a"), "COPY,MOVE /dav/{file}");
    assert_eq!(selected(&webdav, "BIND", "h", "/dav/a"), "method_not_admitted");
    assert_eq!(selected(&webdav, "PROPFIND", "h", "/dav/a"), "/dav/{file}");
    assert_eq!(selected(&policy(&["/a"]), "COPY", "h", "/b"), "no_route");
}

#[test]
fn a_verb_has_a_scope_of_its_own() {
    let routes = vec![
        route("/m/{id}", scoped(&["read"])),
        route("/m/{id}:cancel", scoped(&["cancel"])),
        route("POST /x/{id}:a", scoped(&["read"])),
        route("/x/{id}", scoped(&["read"])),
    ];
    let policy = Policy::build(routes, None).unwrap().0;
    // A backend that trims names would cancel.
    assert_eq!(selected(&policy, "POST", "h", "/m/42:cancel%20"), "request_lax_reading");
    assert_eq!(selected(&policy, "GET", "h", "/x/1:a"), "method_not_admitted", "no falling through");
}

#[test]
fn encoded_slashes_are_data_where_a_route_says_so() {
    let allow = |text: &str, access| Route { encoded_slashes: EncodedSlashes::Allow, ..route(text, access) };
    let policy = Policy::build(
        vec![
            allow("/files/{name}", scoped(&["s"])),
            route("/files/**", scoped(&["s"])),
            route("/files/top/secret", scoped(&["s", "t"])),
            allow("GET /p/{a}/**", scoped(&["s"])),
            route("POST /p/{a}/**", scoped(&["s"])),
            allow("/lone/{x}", scoped(&["s"])),
            allow("a.io/host/**", scoped(&["s"])),
            route("/none/{x}", scoped(&["s"])),
            route("/none/**", scoped(&["s"])),
        ],
        None,
    );
    let policy = policy.unwrap().0;
    for (method, host, path, expected) in [
        ("GET", "h", "/files/a%2Fb", "/files/{name}"),
        ("GET", "h", "/files/a%2fb%2Fc/", "/files/{name}"),
        ("GET", "h", "/files/top%2Fsecret", "request_lax_reading"),
        ("GET", "h", "/files/TOP%2FSecret", "request_lax_reading"),
        ("GET", "h", "/files/top%2Fsecret.", "request_lax_reading"),
        ("GET", "h", "/files/x/a%2Fb", "request_encoded_slash"),
        ("GET", "h", "/p/1/x/a%2Fb/c", "GET /p/{a}/**"),
        ("HEAD", "h", "/p/1/a%2Fb", "GET /p/{a}/**"),
        ("POST", "h", "/p/1/a%2Fb", "request_encoded_slash"),
        ("GET", "h", "/p/1%2F2/x", "request_encoded_slash"),
        ("GET", "h", "/lone/a%2Fb", "request_lax_reading"),
        ("GET", "a.io", "/host/a%2Fb", "a.io/host/**"),
        ("GET", "b.io", "/host/a%2Fb", "request_encoded_slash"),
        ("GET", "h", "/none/a%2Fb", "request_encoded_slash"),
        ("GET", "h", "/unknown/a%2Fb", "request_encoded_slash"),
    ] {
        assert_eq!(selected(&policy, method, host, path), expected, "{method} {host} {path}");
    }
    let named = policy.with_named([("n".to_owned(), Rule { id: RuleId::new("n"), access: Access::Public })]);
    let denied = named.select_named("n", &target("GET", "h", "/files/a%2Fb")).unwrap_err();
    assert_eq!(denied.code(), "request_encoded_slash");
    let by_default = with_default(&["/a"]);
    assert_eq!(selected(&by_default, "GET", "h", "/b/a%2Fb"), "request_encoded_slash");
}

/// Envoy may have routed `a.io:8443` and `a.io.` as another host than `a.io`.
#[test]
fn a_host_with_a_port_opens_no_more_than_any_host() {
    let open = |text: &str| Route { shadows: true, ..route(text, Access::Public) };
    let routes = || {
        vec![
            open("a.io/**"),
            open("*.b.io/**"),
            route("a.io/strict", scoped(&["s", "t"])),
            route("a.io/same", scoped(&["s"])),
            open("[::1]/**"),
            route("/**", scoped(&["s"])),
            route("/open/**", Access::Public),
            route("GET /get", Access::Public),
            route("/folded", Access::Public),
        ]
    };
    let policy = Policy::build(routes(), None).unwrap().0;
    for host in ["a.io", "A.IO", "x.b.io", "[::1]"] {
        assert_ne!(selected(&policy, "GET", host, "/x"), "request_host", "{host}");
    }
    for host in ["a.io:80", "a.io.", "a.io.:443", "A.io:0", "x.b.io:1234", "x.b.io.", "[::1]:80", "[0:0::1]"] {
        assert_eq!(selected(&policy, "GET", host, "/x"), "request_host", "{host}");
        assert_eq!(selected(&policy, "POST", host, "/get"), "request_host", "{host}: no rule for any host admits it");
        assert_eq!(selected(&policy, "GET", host, "/Folded"), "request_host", "{host}: nor is that one certain");
        assert_ne!(selected(&policy, "GET", host, "/open/x"), "request_host", "{host}: asks for no less");
        assert_ne!(selected(&policy, "GET", host, "/get"), "request_host", "{host}");
    }
    for host in ["a.io:80", "a.io."] {
        assert_eq!(selected(&policy, "GET", host, "/strict"), "a.io/strict", "more is asked for on");
        assert_eq!(selected(&policy, "GET", host, "/same"), "a.io/same");
    }
    assert_eq!(selected(&policy, "GET", "other.io:80", "/x"), "/**", "no table for it");
    let lone = Policy::build(vec![open("a.io/**")], None).unwrap().0;
    assert_eq!(selected(&lone, "GET", "a.io:80", "/x"), "request_host", "no route for any host");
    assert_eq!(selected(&lone, "GET", "a.io", "/x"), "a.io/**");
    let stripped = Policy::build(routes(), None).unwrap().0.with_hosts(HostHandling::Stripped);
    for host in ["a.io:80", "a.io.", "a.io.:443"] {
        assert_eq!(selected(&stripped, "GET", host, "/x"), "a.io/**", "{host}");
    }
    assert_eq!(selected(&stripped, "GET", "[::1]:80", "/x"), "[::1]/**");
    assert_eq!(selected(&stripped, "GET", "[0:0::1]", "/x"), "request_host", "Envoy strips, and rewrites nothing");
}

#[test]
fn a_reading_counts_for_any_host_where_the_host_has_a_port() {
    let routes = vec![
        Route { shadows: true, ..route("a.io/**", Access::Public) },
        route("/**", Access::Public),
        route("/admin", scoped(&["s"])),
    ];
    let policy = Policy::build(routes, None).unwrap().0;
    assert_eq!(selected(&policy, "GET", "a.io", "/admin%3Fx"), "a.io/**");
    assert_eq!(selected(&policy, "GET", "a.io:80", "/admin%3Fx"), "request_lax_reading");
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
