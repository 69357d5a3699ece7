//! What is true of all policies.

use proptest::{prelude::*, test_runner::Config};

use super::{
    random::{Request, concerns, indexed, reference, request, routes},
    *,
};
use crate::request::host::Host;

/// The access of the route of that name.
fn access_of<'r>(routes: &'r [Route], id: &str) -> Option<&'r Access> {
    routes.iter().find(|route| route.rule.id.as_str() == id).map(|route| &route.rule.access)
}

fn answer(policy: &Policy, (method, host, path): &Request) -> String {
    selected(policy, method, host, path)
}

proptest! {
    #![proptest_config(Config::with_cases(400))]

    #[test]
    fn the_index_decides_as_the_reference_does(
        routes in routes(14), requests in prop::collection::vec(request(), 40),
    ) {
        let (policy, _) = indexed(&routes);
        for request in &requests {
            prop_assert_eq!(answer(&policy, request), reference(&routes, request), "{:?}", request);
        }
    }

    /// Envoy may have routed it as one of another host.
    #[test]
    fn a_host_with_a_port_or_a_dot_opens_no_more_than_any_host(
        routes in routes(14), requests in prop::collection::vec(request(), 40), odd in prop::sample::select(vec![":80", "."]),
    ) {
        let (policy, _) = indexed(&routes);
        let for_any: Vec<Route> = routes.iter().filter(|route| route.host == HostPattern::Any).cloned().collect();
        let weaker = policy.hosts_asking_for_less();
        for (method, host, path) in requests.iter().filter(|(_, host, _)| !host.is_empty()) {
            let plain = selected(&policy, method, host, path);
            let other = reference(&for_any, &(method, "", path.clone()));
            let is_strict = access_of(&routes, &plain).is_none_or(|access| {
                access_of(&for_any, &other).is_some_and(|other| access.is_at_least_as_strict_as(other))
            });
            let expected = if is_strict { plain.as_str() } else { "request_host" };
            prop_assert_eq!(selected(&policy, method, &format!("{host}{odd}"), path), expected, "{} {}{}", method, host, path);
            // Where the path is ambiguous, its spelling is at fault and not the host.
            if !is_strict && other != "request_case_ambiguous" {
                let decides = routes.iter().find(|route| route.rule.id.as_str() == plain).unwrap();
                prop_assert!(weaker.contains(&&decides.host), "{} {}{}", method, host, path);
            }
            let stripped = policy.clone().with_hosts(HostHandling::Stripped);
            prop_assert_eq!(selected(&stripped, method, &format!("{host}{odd}"), path), plain);
        }
    }

    #[test]
    fn an_encoded_slash_opens_no_more_than_a_slash(
        routes in routes(14), allowing in prop::collection::vec(any::<bool>(), 14),
        requests in prop::collection::vec((request(), 0..4_usize), 40),
    ) {
        let (none, _) = indexed(&routes);
        let allows = |(route, allows): (&Route, &bool)| {
            let encoded_slashes = if *allows { EncodedSlashes::Allow } else { EncodedSlashes::Refuse };
            Route { encoded_slashes, ..route.clone() }
        };
        let routes: Vec<Route> = routes.iter().zip(&allowing).map(allows).collect();
        let (policy, _) = indexed(&routes);
        for ((method, host, path), at) in &requests {
            let mut segments: Vec<String> = path.split('/').skip(1).map(str::to_owned).collect();
            let Some(segment) = segments.get_mut(*at).filter(|segment| !segment.is_empty()) else { continue };
            segment.push_str("%2Fk");
            let path = format!("/{}", segments.join("/"));
            prop_assert_eq!(selected(&none, method, host, &path), "request_encoded_slash");
            let got = selected(&policy, method, host, &path);
            let Some(access) = access_of(&routes, &got) else { continue };
            let chosen = routes.iter().find(|route| route.rule.id.as_str() == got).unwrap();
            prop_assert_eq!(chosen.encoded_slashes, EncodedSlashes::Allow);
            prop_assert!(chosen.path.data_from().is_some_and(|from| from <= *at), "{} {}", got, path);
            // Folded, as a reading is: how it is spelt is no longer to be told.
            let as_slash = path.replace("%2F", "/");
            let read = CanonicalPath::parse(&as_slash).unwrap().folded().to_owned();
            let winner = policy.tables.for_host(Host::parse(host).ok().as_ref()).into_iter()
                .find_map(|table| table.find(&read, AsIs)).and_then(|id| policy.entries.get(id.0));
            let other = winner.and_then(|entry| policy.admitting(entry, &Method::parse(method).unwrap()));
            prop_assert!(other.is_some_and(|other| access.is_at_least_as_strict_as(&other.access)), "{} {}", got, path);
        }
    }

    #[test]
    fn the_order_of_routes_never_matters(
        (routes, shuffled) in routes(12).prop_flat_map(|routes| (Just(routes.clone()), Just(routes).prop_shuffle())),
        requests in prop::collection::vec(request(), 40),
    ) {
        let (one, two) = (indexed(&routes).0, indexed(&shuffled).0);
        for request in &requests {
            prop_assert_eq!(answer(&one, request), answer(&two, request), "{:?}", request);
        }
        let reported = |routes: Vec<Route>| Policy::build(routes, None).map_or_else(|all| all.len(), |(_, all)| all.len());
        prop_assert_eq!(reported(routes), reported(shuffled));
    }

    #[test]
    fn a_route_more_or_less_changes_only_what_its_own_pattern_matches(
        routes in routes(12), requests in prop::collection::vec(request(), 40),
    ) {
        let (all, _) = indexed(&routes);
        for left_out in 0..routes.len() {
            let mut fewer = routes.clone();
            let route = fewer.remove(left_out);
            let (fewer, _) = indexed(&fewer);
            for request in requests.iter().filter(|request| !concerns(&route, request)) {
                prop_assert_eq!(answer(&all, request), answer(&fewer, request), "{:?} {}", request, route.rule.id);
            }
        }
    }
}
