//! An open pattern with `/**` over paths that need a token: who adds a path to the backend, and no route for it, has
//! opened it.

use std::collections::HashMap;

use super::{
    super::lint_catalogue::Lint,
    query::{get, routes, text, texts},
};
use crate::{
    config::error::Problem,
    document::{
        suggest::quoted,
        tree::{Node, Place},
    },
};

/// A route as far as this lint goes.
struct Route<'n> {
    host: String,
    /// Its segments without `/**`, parameters without their names, in lower case.
    segments: Vec<String>,
    has_tail: bool,
    is_open: bool,
    /// None for every method.
    methods: Vec<&'n str>,
    path: &'n str,
    place: &'n Place,
}

pub(super) fn check(root: &Node, problems: &mut Vec<Problem>) {
    let all: Vec<Route<'_>> = routes(root).iter().filter_map(route).collect();
    let mut tails: HashMap<(&str, &[String]), Vec<usize>> = HashMap::new();
    for (at, route) in all.iter().enumerate().filter(|(_, route)| route.has_tail) {
        tails.entry((&route.host, &route.segments)).or_default().push(at);
    }
    // By the open route: the first one below it that needs a token, and how many there are.
    let mut covered: HashMap<usize, (&Route<'_>, usize)> = HashMap::new();
    for closed in all.iter().filter(|route| !route.is_open) {
        // The nearest pattern around it says what holds beside it.
        let longest = closed.segments.len().saturating_sub(usize::from(closed.has_tail));
        let mut prefixes = (0..=longest).rev().filter_map(|length| closed.segments.get(..length));
        let nearest = prefixes.find_map(|prefix| tails.get(&(closed.host.as_str(), prefix)));
        let open = nearest.into_iter().flatten().copied().find(|at| {
            all.get(*at).is_some_and(|open| open.is_open && !open.is_everything() && open.shares_method_with(closed))
        });
        if let Some(open) = open {
            covered.entry(open).or_insert((closed, 0)).1 += 1;
        }
    }
    problems
        .extend(covered.into_iter().filter_map(|(open, (first, count))| Some(problem(all.get(open)?, first, count))));
}

fn problem(open: &Route<'_>, first: &Route<'_>, count: usize) -> Problem {
    let (path, below) = (quoted(open.path), quoted(first.path));
    let others = match count.saturating_sub(1) {
        0 => String::new(),
        1 => " and another route".to_owned(),
        more => format!(" and {more} other routes"),
    };
    let message = format!("{path} is open, and so is every path below it but {below}{others}");
    let problem = Problem::warning(open.place, message).lint(Lint::OpenWildcard);
    let problem = problem.label("open").and(first.place, "needs a token");
    problem.help("open single paths instead, or ask for a token here: a path that nobody named is open as well")
}

fn route(node: &Node) -> Option<Route<'_>> {
    let path = text(node, "path")?;
    let plain = path.text.strip_suffix('/').unwrap_or(path.text);
    let fixed = plain.strip_suffix("/**");
    let segment = |text: &str| match text.strip_prefix('{').and_then(|rest| rest.split_once('}')) {
        Some((_, verb)) => format!("{{}}{}", verb.to_ascii_lowercase()),
        None => text.to_ascii_lowercase(),
    };
    let segments = fixed.unwrap_or(plain).split('/').filter(|segment| !segment.is_empty()).map(segment).collect();
    Some(Route {
        host: text(node, "host").map_or("*", |host| host.text).to_ascii_lowercase(),
        segments,
        has_tail: fixed.is_some(),
        is_open: text(node, "access").is_some_and(|access| ["public", "optional"].contains(&access.text)),
        methods: if get(node, "methods").is_some() {
            texts(node, "methods").map(|word| word.text).collect()
        } else {
            Vec::new()
        },
        path: path.text,
        place: path.place,
    })
}

impl Route<'_> {
    /// That every path is open is said by another lint.
    fn is_everything(&self) -> bool {
        self.segments.iter().all(|segment| segment == "{}")
    }

    fn shares_method_with(&self, other: &Self) -> bool {
        let is_any = self.methods.is_empty() || other.methods.is_empty();
        is_any || self.methods.iter().any(|method| other.methods.contains(method))
    }
}
