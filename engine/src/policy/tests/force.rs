//! Crossings and shadowings against trying every request.

use std::collections::BTreeSet;

use proptest::{prelude::*, test_runner::Config};

use super::{
    random::{folded, indexed, matches, pattern, routes, rule_for, winner},
    *,
};
use crate::policy::{audit, budget::Steps};

/// Every path of up to four segments, folded.
fn all_paths() -> Vec<String> {
    let mut paths = vec![String::new()];
    for depth in 0..4 {
        let longer: Vec<String> = paths.iter().filter(|path| path.matches('/').count() == depth).cloned().collect();
        paths.extend(
            longer
                .iter()
                .flat_map(|path| ["a", "k", "é", "z", "a:k", "z:k"].map(|segment| format!("{path}/{segment}"))),
        );
    }
    paths
}

fn matched(route: &Route, paths: &[String]) -> BTreeSet<String> {
    let pattern = folded(&pattern(route));
    paths.iter().filter(|path| matches(&pattern, path)).cloned().collect()
}

type Pairs = BTreeSet<((String, String), (String, String))>;

fn id(route: &Route) -> (String, String) {
    (route.host.to_string(), pattern(route))
}

/// Pairs of patterns that cross, by trying every path.
fn crossing_by_force(routes: &[Route]) -> Pairs {
    let paths = all_paths();
    let sets: Vec<_> = routes.iter().map(|route| (route, matched(route, &paths))).collect();
    let mut pairs = Pairs::new();
    for (one, in_one) in &sets {
        for (two, in_two) in sets.iter().filter(|(two, _)| two.host == one.host && id(two) > id(one)) {
            let both: BTreeSet<String> = in_one.intersection(in_two).cloned().collect();
            let lifted = sets.iter().any(|(route, set)| route.host == one.host && *set == both);
            if !both.is_empty() && both.len() < in_one.len() && both.len() < in_two.len() && !lifted {
                pairs.insert((id(one), id(two)));
            }
        }
    }
    pairs
}

/// Pairs of patterns of which the first takes a request from the second, and asks for less, by trying every request.
fn shadowing_by_force(routes: &[Route]) -> Pairs {
    let mut pairs = Pairs::new();
    let of = |host: &str| routes.iter().filter(|route| route.host.to_string() == host).cloned().collect::<Vec<_>>();
    for (special, general, host) in [
        ("a.x", "*.x", "a.x"),
        ("a.x", "*", "a.x"),
        ("*.x", "*", "b.x"),
        ("*.a.x", "*.x", "b.a.x"),
        ("*.a.x", "*", "b.a.x"),
    ] {
        let (special, general) = (of(special), of(general));
        for path in all_paths() {
            let Some(one) = winner(&special, host, &path, true) else { continue };
            let Some(two) = winner(&general, host, &path, true) else { continue };
            for method in ["GET", "HEAD", "POST", "CONNECT", "OTHER"] {
                let Some(weaker) = rule_for(&special, &one, method) else { continue };
                let stricter = rule_for(&general, &two, method);
                if !stricter.is_some_and(|other| weaker.rule.access.is_at_least_as_strict_as(&other.rule.access)) {
                    pairs.insert((one.clone(), two.clone()));
                }
            }
        }
    }
    pairs
}

/// The pairs of patterns that the problems are about.
fn reported(
    routes: &[Route],
    find: fn(&Policy, &Steps, &mut Vec<PolicyProblem>),
) -> Vec<((String, String), (String, String))> {
    let (policy, mut found) = (indexed(routes).0, Vec::new());
    find(&policy, &Steps::new(usize::MAX), &mut found);
    found.iter().map(|problem| (id(&routes[problem.route]), id(&routes[problem.other.unwrap()]))).collect()
}

proptest! {
    #![proptest_config(Config::with_cases(100))]

    #[test]
    fn crossings_are_those_found_by_force(routes in routes(12)) {
        let reported = reported(&routes, audit::crossings);
        let ordered: Pairs = reported.iter().cloned().map(|(one, two)| if one < two { (one, two) } else { (two, one) }).collect();
        prop_assert_eq!(ordered.len(), reported.len(), "each once");
        prop_assert_eq!(ordered, crossing_by_force(&routes));
    }

    #[test]
    fn no_shadowing_found_by_force_is_missed(routes in routes(12)) {
        let reported: Pairs = reported(&routes, audit::shadowings).into_iter().collect();
        let by_force = shadowing_by_force(&routes);
        prop_assert!(by_force.is_subset(&reported), "{:?} {:?}", by_force, reported);
    }
}
