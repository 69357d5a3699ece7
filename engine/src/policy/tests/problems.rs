//! What is reported of a policy.

use super::*;
use crate::{
    jwt::{
        claim_path::ClaimPath,
        claim_rule::{ClaimRule, ClaimTest},
    },
    limits,
};

fn problems(routes: Vec<Route>) -> Vec<PolicyProblem> {
    Policy::build(routes, None).map_or_else(|problems| problems, |(_, warnings)| warnings)
}

/// Messages of the problems of routes that all ask for the same.
fn messages(texts: &[&str]) -> Vec<String> {
    let routes = texts.iter().map(|text| route(text, scoped(&["s"]))).collect();
    problems(routes).iter().map(PolicyProblem::message).collect()
}

#[test]
fn two_rules_for_the_same_requests_are_an_error() {
    assert_eq!(messages(&["/a/{x}", "/a/{y}/"]), ["two routes are for every method of `/a/{x}`"]);
    assert_eq!(messages(&["GET,PUT /a", "PUT /a"]), ["two routes are for `PUT /a`"]);
    assert_eq!(messages(&["a.io/x", "A.io/x"]), ["two routes are for every method of `a.io/x`"]);
    assert_eq!(messages(&["GET /a", "PUT /a", "HEAD /a", "CONNECT /a", "PUT a.io/a", "HEAD *.b.io/a"]), [""; 0]);
}

#[test]
fn patterns_that_fold_to_the_same_are_an_error() {
    let found = messages(&["/api/x", "GET /API/x"]);
    assert_eq!(found, ["`/API/x` and `/api/x` differ only in case or escapes, so requests for either are refused"]);
    assert_eq!(messages(&["/a:b", "/a%3Ab"]).len(), 1);
}

#[test]
fn crossing_patterns_are_an_error_with_the_example_and_the_way_out() {
    let crossing = ["/users/{id}/delete", "/users/me/{action}"];
    let found = problems(crossing.iter().map(|text| route(text, scoped(&[]))).collect());
    let [problem] = found.as_slice() else { panic!("{found:?}") };
    assert!(problem.is_error() && problem.route == 1 && problem.other == Some(0));
    assert!(problem.message().contains("both match `/users/me/delete`"), "{}", problem.message());
    assert!(problem.help().contains("`/users/me/delete`"), "{}", problem.help());
    let lifted = ["/users/{id}/delete", "/users/me/{action}", "GET /users/me/delete"];
    assert_eq!(messages(&lifted), [""; 0]);
    assert_eq!(messages(&["a.io/users/{id}/delete", "/users/me/{action}"]), [""; 0], "not of one table");
    assert_eq!(messages(&["/a/**", "/{x}/b"]).len(), 1);
    assert_eq!(messages(&["/a/**", "/{x}/b", "/a/{y}", "/a/b"]), [""; 0]);
    assert_eq!(messages(&["/Users/{id}/delete", "/users/me/{action}"]).len(), 2, "folded, and one spelling");
}

#[test]
fn as_many_crossings_as_help_are_reported() {
    let mut texts: Vec<String> = (0..50).map(|n| format!("/{{t}}/p{n}")).collect();
    texts.extend((0..50).map(|n| format!("/t{n}/**")));
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    assert_eq!(messages(&texts).len(), limits::POLICY_PROBLEMS);
}

#[test]
fn warnings_in_any_number_hide_no_error() {
    let count = limits::POLICY_PROBLEMS + 50;
    for reversed in [false, true] {
        let mut routes: Vec<Route> = (0..count).map(|n| route(&format!("/p{n}"), scoped(&["a"]))).collect();
        routes.extend((0..count).map(|n| route(&format!("a.io/p{n}"), scoped(&["b"]))));
        routes.extend([route("/secret/{x}", scoped(&["a"])), route("a.io/secret/{x}", Access::Public)]);
        routes.extend([route("/other/**", scoped(&["a"])), route("*.b.io/other/**", scoped(&[]))]);
        if reversed {
            routes.reverse();
        }
        let found = Policy::build(routes, None).unwrap_err();
        assert_eq!(found.iter().filter(|problem| problem.is_error()).count(), 2);
        assert_eq!(found.iter().filter(|problem| !problem.is_error()).count(), limits::POLICY_PROBLEMS);
    }
}

#[test]
fn an_administrators_host_beside_routes_that_name_methods_loads() {
    let messages = "/api/messages/{id}";
    let mut routes = vec![
        route(&format!("GET,HEAD {messages}"), scoped(&["read:messages"])),
        route(&format!("DELETE {messages}"), scoped(&["delete:messages"])),
        route("admin.example.com/**", scoped(&["admin"])),
    ];
    let (_, warnings) = Policy::build(routes.clone(), None).unwrap();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    for open in [Access::Public, Access::Optional] {
        let only_others =
            Route { rule: Rule { id: RuleId::new("r"), access: open }, ..route("PUT a.io/api/**", scoped(&[])) };
        routes[2] = only_others;
        let found = Policy::build(routes.clone(), None).unwrap_err();
        assert!(found.iter().any(|problem| problem.message().contains("(PUT)")), "{found:?}");
    }
}

#[test]
fn a_host_rule_weaker_than_one_for_more_hosts_is_an_error_unless_meant() {
    let strict = || route("/admin/**", scoped(&["admin"]));
    for (weak, access, expected) in [
        ("a.io/admin/**", Access::Public, 1),
        ("a.io/admin/**", scoped(&[]), 1),
        ("a.io/admin/**", scoped(&["admin", "more"]), 0),
        ("a.io/**", Access::Public, 2),
        ("*.io/**", Access::Public, 2),
        ("a.io/{x}/y", Access::Public, 1),
        ("a.io/ADMIN/**", Access::Public, 2),
        ("a.io/other/**", Access::Public, 0),
        ("CONNECT a.io/admin", Access::Public, 1),
    ] {
        let mut routes = vec![strict(), route(weak, access)];
        let found = problems(routes.clone());
        assert_eq!(found.len(), expected, "{weak}: {found:?}");
        routes[1].shadows = true;
        assert!(!problems(routes).iter().any(PolicyProblem::is_error), "{weak}");
    }
    let wider =
        vec![route("*.io/a", scoped(&["s"])), route("*.b.io/a", Access::Public), route("c.d.io/a", Access::Public)];
    assert_eq!(problems(wider).iter().filter(|problem| problem.is_error()).count(), 2, "shorter suffixes count");
}

#[test]
fn what_is_less_is_seen_through_claims_and_single_alternatives() {
    let claim = |test| {
        Access::Token(Requirement {
            claims: vec![ClaimRule { claim: ClaimPath::top_level("org"), test }],
            ..Requirement::default()
        })
    };
    let alternative = |all: &[&str], any: &[&str]| {
        let parse = |texts: &[&str]| texts.iter().map(|text| Scope::parse(text).unwrap().into()).collect();
        Access::Token(Requirement {
            scopes: ScopeRequirement { all: parse(all), any: parse(any) },
            ..Requirement::default()
        })
    };
    for (strict, weak) in [
        (claim(ClaimTest::Equals("x".into())), claim(ClaimTest::Present)),
        (alternative(&["b"], &["a"]), scoped(&["a"])),
    ] {
        assert!(Policy::build(vec![route("/a", strict.clone()), route("a.io/a", weak.clone())], None).is_err());
        assert_eq!(problems(vec![route("/a", weak), route("a.io/a", strict)]), []);
    }
}

#[test]
fn a_method_that_the_wider_pattern_denies_is_not_opened_by_the_way() {
    let routes = vec![route("GET /a", scoped(&["s"])), route("a.io/a", scoped(&["s"]))];
    let found = problems(routes);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].message().contains("any other method"), "{}", found[0].message());
    assert_eq!(problems(vec![route("GET /a", Access::Public), route("HEAD a.io/a", Access::Public)]), []);
}

#[test]
fn a_stricter_rule_is_not_shadowed_where_its_table_has_a_better_one() {
    let open = || Access::Public;
    let routes = vec![route("/**", scoped(&[])), route("/pub/**", open()), route("a.io/pub/x", open())];
    assert_eq!(problems(routes), []);
    let guarded =
        vec![route("/admin/**", scoped(&["s"])), route("a.io/**", open()), route("a.io/admin/**", scoped(&["s"]))];
    let found = problems(guarded);
    assert!(matches!(found.as_slice(), [PolicyProblem { kind: ProblemKind::OpenToAll { .. }, .. }]), "{found:?}");
}

#[test]
fn opening_everything_is_a_warning_and_by_default_an_error() {
    for (text, access, expected) in [
        ("/**", Access::Public, 1),
        ("/**", Access::Optional, 1),
        ("/**", scoped(&[]), 0),
        ("a.io/**", Access::Public, 1),
        ("*.com/**", Access::Optional, 1),
        ("/{x}/**", Access::Public, 1),
        ("*.com/{x}/{y}/**", Access::Public, 1),
        ("*.com/{x}/**", scoped(&[]), 0),
        ("/{x}", Access::Public, 0),
        ("/{x}/a/**", Access::Public, 0),
        ("/a/**", Access::Public, 0),
    ] {
        let found = problems(vec![route(text, access)]);
        assert_eq!(found.len(), expected);
        let is_it = |problem: &PolicyProblem| {
            problem.kind == ProblemKind::OpenToAll { pattern: text.to_owned(), methods: Vec::new() }
        };
        assert!(found.iter().all(|problem| is_it(problem) && !problem.is_error()), "{found:?}");
    }
    for access in [Access::Public, Access::Optional] {
        let default = Rule { id: RuleId::new("default"), access };
        assert_eq!(Policy::build(vec![], Some(default)).unwrap_err()[0].kind, ProblemKind::OpenDefault);
    }
}

fn overlaps(limit: usize, texts: &[String]) -> bool {
    let routes = texts.iter().map(|text| route(text, scoped(&["s"]))).collect();
    let Err(found) = Policy::build_within(limit, routes, None) else { return false };
    let errors: Vec<_> = found.iter().filter(|problem| problem.is_error()).collect();
    let kind = ProblemKind::TooMuchOverlap { limit };
    assert_eq!(errors, [&PolicyProblem { route: texts.len(), other: None, kind }]);
    true
}

#[test]
fn routes_that_overlap_too_much_to_be_checked_are_an_error() {
    let crossing = |n| [format!("/l{n}/{{x}}/z"), format!("/{{y}}/m{n}/w")];
    let hosts = |n| [format!("h{n}.io/**"), format!("/p{n}")];
    let methods = |n| [format!("h{n}.io/**"), format!("M{n} /p")];
    let shapes: [&dyn Fn(usize) -> [String; 2]; 3] = [&crossing, &hosts, &methods];
    for shape in shapes {
        let texts: Vec<String> = (0..300).flat_map(shape).collect();
        assert!(overlaps(80_000, &texts), "{}", texts[0]);
        let texts: Vec<String> = (0..30).flat_map(shape).collect();
        assert!(!overlaps(1_000_000, &texts), "{}", texts[0]);
    }
}

#[test]
fn the_steps_are_enough_for_many_paths_and_too_few_for_as_many_methods_on_as_many_hosts() {
    let half = limits::RULES / 2;
    let methods: Vec<String> = (0..half).flat_map(|n| [format!("h{n}.io/**"), format!("M{n} /p")]).collect();
    let routes = methods.iter().map(|text| route(text, scoped(&["s"]))).collect();
    let found = Policy::build(routes, None).unwrap_err();
    let kind = ProblemKind::TooMuchOverlap { limit: limits::POLICY_STEPS };
    assert!(found.contains(&PolicyProblem { route: methods.len(), other: None, kind }));
    let mut texts: Vec<String> = (0..half).map(|n| format!("/a/p{n}")).collect();
    texts.extend((0..50).map(|n| format!("h{n}.io/**")));
    assert!(!overlaps(limits::POLICY_STEPS, &texts), "fifty hosts that each cover ten thousand paths are no trouble");
}

#[test]
fn too_many_routes_are_refused_and_the_limit_is_not() {
    let routes = |count: usize| (0..count).map(|n| route(&format!("/r{n}"), scoped(&[]))).collect::<Vec<_>>();
    assert!(Policy::build(routes(limits::RULES), None).is_ok());
    let found = Policy::build(routes(limits::RULES + 1), None).unwrap_err();
    assert_eq!(found[0].kind, ProblemKind::TooManyRules { limit: limits::RULES });
}
