//! What is true of all policies.

use proptest::{prelude::*, test_runner::Config};

use super::{
    random::{Request, concerns, indexed, reference, request, routes},
    *,
};

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
