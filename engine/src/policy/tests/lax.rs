//! What lax backends could take a path for.

use super::*;
use crate::{
    jwt::claim_path::ClaimPath,
    policy::binding::{Binding, RequestPart},
    request::effort,
};

fn with_access(routes: Vec<(&str, Access)>) -> Policy {
    let routes = routes.into_iter().map(|(text, access)| route(text, access)).collect();
    Policy::build(routes, None).unwrap_or_else(|problems| panic!("{problems:?}")).0
}

/// A public wildcard beside rules: what a lax backend could take for something that needs more is refused, and nothing
/// else is.
#[test]
fn a_lax_reading_must_not_need_more_than_the_path_itself() {
    let policy = with_access(vec![
        ("/**", Access::Public),
        ("/admin/**", scoped(&["a"])),
        ("/wiki/{page}", Access::Public),
        ("/lang/**", scoped(&[])),
        ("/lang/c%23", scoped(&["a"])),
        ("GET /items/{id}", Access::Public),
    ]);
    for path in [
        "/admin%3Fx",
        "/ADMIN%23",
        "/admin.",
        "/admin%20/x",
        "/%EF%BD%81dmin",
        "/x/%E2%80%A5/admin",
        "/(S(/(S(x))y))/admin",
        "/%EF%BC%9Bp%EF%BC%8Fadmin",
        "/x%EF%BC%9Bp%EF%BC%8F..%EF%BC%8Fadmin",
    ] {
        assert_eq!(selected(&policy, "GET", "h", path), "request_lax_reading", "{path}");
    }
    for (path, rule) in [
        ("/wiki/C%23", "/wiki/{page}"),
        ("/wiki/Why%3F", "/wiki/{page}"),
        ("/wiki/etc.", "/wiki/{page}"),
        ("/v1./x", "/**"),
        ("/lang/c%23", "/lang/c%23"),
        ("/admin/%3F", "/admin/**"),
    ] {
        assert_eq!(selected(&policy, "GET", "h", path), rule, "{path}");
    }
}

/// A backend drops what follows a full-width semicolon up to the next slash only, in whatever spelling that is.
#[test]
fn a_parameter_hides_no_segment_behind_it() {
    let allowing = |text: &str| Route { encoded_slashes: EncodedSlashes::Allow, ..route(text, Access::Public) };
    let routes = vec![
        allowing("/files/{name}"),
        route("/files/{a}/{b}", Access::Public),
        route("/files/x/admin", scoped(&["a"])),
        route("/in/{name}/{page}", Access::Public),
        route("/in/x/admin", Access::Public),
        route("/in/{name}/admin", scoped(&["a"])),
    ];
    let (policy, _) = Policy::build(routes, None).unwrap();
    assert_eq!(selected(&policy, "GET", "h", "/files/x%EF%BC%9Bp%2Fadmin"), "request_lax_reading");
    assert_eq!(selected(&policy, "GET", "h", "/files/x%EF%BC%9Bp%2Fpage"), "/files/{name}");
    // To what drops no parameters, this is `/in/{name}/admin`.
    assert_eq!(selected(&policy, "GET", "h", "/in/x%EF%BC%9Bp/%EF%BD%81dmin"), "request_lax_reading");
    assert_eq!(selected(&policy, "GET", "h", "/in/x%EF%BC%9Bp/page"), "/in/{name}/{page}");
}

/// Trimming can remove the last segment of a path, so that nothing is left for `/**`.
#[test]
fn a_reading_may_end_where_a_pattern_does() {
    let policy = with_access(vec![
        ("/**", Access::Public),
        ("/alone", scoped(&["a"])),
        ("/both", scoped(&["a"])),
        ("/both/**", Access::Public),
        ("/below/**", Access::Public),
    ]);
    for path in ["/alone/%20", "/alone/...", "/both/%20", "/both/%20.%20/%20", "/both/%23x"] {
        assert_eq!(selected(&policy, "GET", "h", path), "request_lax_reading", "{path}");
    }
    assert_eq!(selected(&policy, "GET", "h", "/below/%20"), "/below/**");
    assert_eq!(selected(&policy, "GET", "h", "/both/x%20"), "/both/**");
}

#[test]
fn what_no_route_covers_needs_more_than_any_route_and_the_method_counts() {
    let policy = with_access(vec![
        ("/open/{x}", Access::Public),
        ("GET,POST /items/{id}/{x}", Access::Public),
        ("GET /items/{id}", Access::Public),
        ("POST /items/{id}", scoped(&["a"])),
    ]);
    assert_eq!(selected(&policy, "GET", "h", "/open/a%EF%BC%8Fb"), "request_lax_reading");
    assert_eq!(selected(&policy, "GET", "h", "/items/7/%3Fx"), "GET,POST /items/{id}/{x}");
    assert_eq!(selected(&policy, "POST", "h", "/items/7/%3Fx"), "request_lax_reading");
    // Denials stay what they are.
    assert_eq!(selected(&policy, "PUT", "h", "/items/7/%3Fx"), "method_not_admitted");
    assert_eq!(selected(&policy, "GET", "h", "/nowhere%3F"), "no_route");
}

#[test]
fn a_reading_may_depend_on_the_host_as_a_path_may() {
    let policy = with_access(vec![("/**", Access::Public), ("a.io/admin/**", scoped(&["a"]))]);
    assert_eq!(selected(&policy, "GET", "a.io", "/admin%3Fx"), "request_lax_reading");
    assert_eq!(selected(&policy, "GET", "b.io", "/admin%3Fx"), "/**");
    assert_eq!(selected(&policy, "GET", "", "/admin%3Fx"), "request_host");
}

/// A claim that must match a segment: a reading in which another segment stands there is another tenant's.
#[test]
fn a_reading_must_not_bring_another_tenant() {
    let part = RequestPart::Segment { name: "org".into(), index: 1, verb: None };
    let binding = Binding { claim: ClaimPath::parse("org_id").unwrap(), part };
    let bound = Access::Token(Requirement { bindings: vec![binding], ..Requirement::default() });
    let policy = with_access(vec![("/{area}/{org}/**", bound)]);
    assert_eq!(selected(&policy, "GET", "h", "/%20/mine/yours"), "request_lax_reading");
    assert_eq!(selected(&policy, "GET", "h", "/x/mine%EF%BC%8Fyours/z"), "request_lax_reading");
    assert_eq!(selected(&policy, "GET", "h", "/x/mine/report%23.pdf"), "/{area}/{org}/**");
}

/// The text before the verb of `{id}:verb` is compared with the claim: trimmed, it is another one.
#[test]
fn what_stands_before_a_verb_is_not_read_otherwise() {
    let part = |verb: Option<&str>| RequestPart::Segment { name: "id".into(), index: 1, verb: verb.map(Into::into) };
    let bound = |verb| {
        let binding = Binding { claim: ClaimPath::parse("sub").unwrap(), part: part(verb) };
        Access::Token(Requirement { bindings: vec![binding], ..Requirement::default() })
    };
    let policy = with_access(vec![
        ("/u/{id}", bound(None)),
        ("/u/{id}:cancel", bound(Some("cancel"))),
        ("/open/{id}:cancel", Access::Public),
        ("/open/{id}", Access::Public),
    ]);
    for name in ["me%20", "%20me", "me.", "me.%20", "me%3Fx", "me%23", "me::$DATA", "me:$i30:$INDEX_ALLOCATION", "."] {
        assert_eq!(selected(&policy, "GET", "h", &format!("/u/{name}:cancel")), "request_lax_reading", "{name}");
    }
    for name in ["me", "m.e", "m%20e", "a:b", "me%3A"] {
        assert_eq!(selected(&policy, "GET", "h", &format!("/u/{name}:cancel")), "/u/{id}:cancel", "{name}");
    }
    for name in ["me%20", "me."] {
        assert_eq!(selected(&policy, "GET", "h", &format!("/open/{name}:cancel")), "/open/{id}:cancel", "{name}");
    }
}

#[test]
fn comparing_readings_is_bounded_whatever_the_lists() {
    use crate::jwt::claim_rule::{ClaimRule, ClaimTest};
    let one_of = |count: usize| {
        let values = (0..count).map(|n| serde_json::json!(format!("org_{n}"))).collect();
        let rule = ClaimRule { claim: ClaimPath::top_level("org"), test: ClaimTest::OneOf(values) };
        Access::Token(Requirement { claims: vec![rule], ..Requirement::default() })
    };
    let decided = |count| {
        let policy = with_access(vec![("/api/**", one_of(count)), ("/api/x", one_of(count))]);
        [selected(&policy, "GET", "h", "/api/y%20"), selected(&policy, "GET", "h", "/api/x%20")]
    };
    assert_eq!(decided(50), ["/api/**", "/api/**"], "as strict, and found to be");
    assert_eq!(decided(1000), ["/api/**", "request_lax_reading"], "the same rule needs no look; too much to look at");
}

/// Paths as long as may be, made of what costs most: whatever they are made of, each byte is looked at so many times at most.
#[test]
fn no_path_costs_many_times_what_others_do() {
    let fill = |piece: &str| format!("/admin/{}", piece.repeat((limits::PATH_BYTES - 20) / piece.len()));
    let session = |piece: &str| format!("/f/({}", piece.repeat((limits::PATH_BYTES - 30) / piece.len()));
    let segments = |piece: &str| {
        let segment = piece.repeat((limits::PATH_BYTES / 62 / piece.len()).max(1));
        format!("/admin{}", format!("/{segment}").repeat(60))
    };
    let pieces = [
        "%20.a%EF%BC%A1.%20",
        "%20",
        ".",
        "a",
        "A",
        "%C3%89",
        "%F0%90%90%80",
        "%25x",
        "%3A",
        "%EF%BC%A1",
        "a%20.",
        "a:",
        "%3A%24",
        "a::$DATA.",
        "(S(x))",
        "(A(x)",
        "A(a)",
        "A(%29",
        "b%2Fc",
        "b%2F%EF%BC%A1",
    ];
    let ends = [
        "",
        ".",
        "%20",
        "%3Fx",
        "%EF%BC%9Fx",
        "::$DATA",
        "/(S(x))",
        "/a%2Fb",
        "%EF%BC%A1",
        "%EF%BC%A1%2Fx",
        "%EF%BC%9B%EF%BC%A1",
    ];
    let with_access = |routes: &[(&str, Access)]| {
        let allowing = |(text, access): &(&str, Access)| Route {
            encoded_slashes: if text.ends_with("**") { EncodedSlashes::Allow } else { EncodedSlashes::Refuse },
            shadows: true,
            ..route(text, access.clone())
        };
        Policy::build(routes.iter().map(allowing).collect(), None).unwrap().0
    };
    let shallow = with_access(&[("/**", Access::Public), ("/admin/**", Access::Public), ("/a/{b}", scoped(&["a"]))]);
    let deep = "/{x}".repeat(limits::PATH_SEGMENTS);
    let deep = with_access(&[(&deep, Access::Public), ("/**", Access::Public)]);
    let mut judged = 0;
    for (piece, end) in pieces.iter().flat_map(|piece| ends.map(|end| (piece, end))) {
        for start in [fill(piece), segments(piece), session(piece)] {
            let text = format!("{start}{end}");
            for (policy, most) in [(&shallow, 30), (&deep, 50)] {
                effort::looks();
                let target = CanonicalPath::parse(&text).map(|path| RequestTarget { path, ..target("GET", "h", "/") });
                judged += usize::from(target.is_ok_and(|target| policy.select(&target).is_ok()));
                let looks = effort::looks();
                assert!(looks <= most * text.len(), "{} times for {piece}, {end}", looks / text.len());
            }
        }
    }
    assert!(judged > 50, "most of them are refused for another reason: {judged}");
}
