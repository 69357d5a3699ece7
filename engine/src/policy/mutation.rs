//! A policy taken apart and changed in one place, for asking whether anybody would notice. Never for deciding about a
//! request.

use std::collections::BTreeSet;

use super::{
    Policy, RouteOptions,
    methods::{MethodTable, Methods},
    route::Route,
    rule::{Access, Rule, RuleId},
};

impl Policy {
    /// The routes it was built from, in their order.
    #[must_use]
    pub fn routes(&self) -> Vec<Route> {
        let mut routes: Vec<(usize, Route)> = Vec::with_capacity(self.rules.len());
        for entry in &self.entries {
            for index in entry.methods.rules() {
                let (Some(rule), Some(methods)) = (self.rules.get(index), entry.methods.of(index)) else { continue };
                let (host, path, rule) = (entry.host.clone(), entry.path.clone(), rule.clone());
                let Some(RouteOptions { shadows, encoded_slashes }) = self.options.get(index).copied() else {
                    continue;
                };
                routes.push((index, Route { host, path, methods, rule, shadows, encoded_slashes }));
            }
        }
        routes.sort_unstable_by_key(|(index, _)| *index);
        routes.into_iter().map(|(_, route)| route).collect()
    }

    /// The same policy with another access for the rule of that id; `None` if there is no such rule.
    #[must_use]
    pub fn with_access(&self, id: &RuleId, access: Access) -> Option<Self> {
        let mut changed = self.clone();
        let rules = changed.rules.iter_mut().chain(&mut changed.default).chain(changed.named.values_mut());
        let rule: &mut Rule = rules.into_iter().find(|rule| rule.id == *id)?;
        rule.access = access;
        Some(changed)
    }
}

impl MethodTable {
    /// The rules that are in it.
    pub(super) fn rules(&self) -> BTreeSet<usize> {
        self.named.iter().map(|(_, rule)| *rule).chain(self.any).collect()
    }

    /// The methods of one rule.
    fn of(&self, rule: usize) -> Option<Methods> {
        if self.any == Some(rule) {
            return Some(Methods::Any);
        }
        Methods::only(self.named.iter().filter(|(_, named)| *named == rule).map(|(method, _)| method.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        policy::{EncodedSlashes, HostPattern, PathPattern, rule::Requirement},
        request::method::Method,
    };

    fn route(id: &str, path: &str, methods: &[&str], access: Access) -> Route {
        let methods = Methods::only(methods.iter().map(|method| Method::parse(method).unwrap()));
        Route {
            host: HostPattern::Any,
            path: PathPattern::parse(path).unwrap(),
            methods: methods.unwrap_or(Methods::Any),
            rule: Rule { id: RuleId::new(id), access },
            shadows: false,
            encoded_slashes: EncodedSlashes::Refuse,
        }
    }

    fn shown(routes: &[Route]) -> Vec<String> {
        routes
            .iter()
            .map(|route| format!("{} {} {:?} {:?}", route.host, route.path, route.methods, route.rule))
            .collect()
    }

    #[test]
    fn the_routes_are_those_it_was_built_from() {
        let token = || Access::Token(Requirement::default());
        let routes = vec![
            route("a", "/x", &["GET", "HEAD"], token()),
            route("b", "/Y/{id}", &[], Access::Public),
            route("c", "/x", &["POST"], Access::Optional),
            route("d", "/x", &["CONNECT"], token()),
        ];
        let (policy, _) = Policy::build(routes.clone(), None).unwrap();
        assert_eq!(shown(&policy.routes()), shown(&routes));
    }

    #[test]
    fn one_rule_is_changed_and_no_other() {
        let routes = vec![route("a", "/x", &[], Access::Optional), route("b", "/y", &[], Access::Optional)];
        let default = Rule { id: RuleId::new("default"), access: Access::Token(Requirement::default()) };
        let named = Rule { id: RuleId::new("policy:n"), access: Access::Optional };
        let (policy, _) = Policy::build(routes, Some(default)).unwrap();
        let policy = policy.with_named([("n".to_owned(), named)]);
        for id in ["a", "b", "default", "policy:n"] {
            let changed = policy.with_access(&RuleId::new(id), Access::Public).unwrap();
            let all = changed.rules.iter().chain(&changed.default).chain(changed.named.values());
            let open: Vec<&str> =
                all.filter(|rule| rule.access == Access::Public).map(|rule| rule.id.as_str()).collect();
            assert_eq!(open, [id]);
        }
        assert!(policy.with_access(&RuleId::new("c"), Access::Public).is_none());
    }
}
