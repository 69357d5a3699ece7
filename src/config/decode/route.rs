//! One of `routes`: what it matches and what it asks.

use super::{access, around::Around, bag::Bag, fields::Fields, name, read, request_context::Site, trusted::Trusted};
use crate::{
    config::{error::Problem, lint_catalogue::Lint, schema::ROUTE},
    document::{
        suggest::quoted,
        tree::{Entry, Node, Place},
    },
};
use portcullis_engine::{
    policy::{
        EncodedSlashes, HostPattern, HostPatternError, Methods, PathPattern, PatternError, Route,
        rule::{Rule, RuleId},
    },
    request::method::Method,
};

/// A route, where its path stands, and where its id does if it has one.
pub(super) struct Decoded<'n> {
    pub(super) route: Route,
    pub(super) place: &'n Place,
    pub(super) named: Option<&'n Place>,
}

/// What a route matches, and how that is called.
struct Matched<'n> {
    host: HostPattern,
    path: PathPattern,
    methods: Methods,
    place: &'n Place,
    id: RuleId,
}

/// A route.
pub(super) fn decode<'n>(
    bag: &mut Bag,
    node: &'n Node,
    trusted: Trusted<'_>,
    around: Around<'_>,
) -> Option<Decoded<'n>> {
    let fields = Fields::read(bag, node, "a route", ROUTE)?;
    let matched = matched(bag, &fields);
    let site = matched.as_ref().map_or(Site::Unknown, |of| Site::Route { path: &of.path, host: &of.host });
    let access = access::decode(bag, &fields, "a route", site, trusted);
    let named = fields.get("id");
    let given = named.map(|entry| name::given(bag, entry));
    let shadows = read::flag_or(bag, fields.get("shadows"), false);
    let encoded_slashes = fields.get("encoded_slashes").map_or(Some(EncodedSlashes::Refuse), |entry| {
        read::word(
            bag,
            entry,
            &[EncodedSlashes::Refuse, EncodedSlashes::Allow].map(|handling| (handling.name(), handling)),
        )
    });
    // What is misspelt may be what narrows the rule: it is not built without it.
    if fields.is_faulty() {
        return None;
    }
    let matched = matched?;
    let id = given.unwrap_or(Some(matched.id))?.at(&around.locate(matched.place));
    let Matched { host, path, methods, place, .. } = matched;
    let route = Route {
        host,
        path,
        methods,
        rule: Rule { id, access: access? },
        shadows: shadows?,
        encoded_slashes: encoded_slashes?,
    };
    Some(Decoded { route, place, named: named.map(|entry| &entry.node.place) })
}

fn matched<'n>(bag: &mut Bag, fields: &Fields<'n>) -> Option<Matched<'n>> {
    let help = "write `path: /api/messages/{id}`, or `/**` for every path";
    let path_entry = fields.require(bag, "path", "a route", help);
    let path = path_entry.and_then(|entry| path(bag, entry));
    let host = fields.get("host").map(|entry| host(bag, entry));
    let methods = fields.get("methods").map(|entry| read::list_of(bag, entry, method));
    let place = &path_entry?.node.place;
    let (path, host, methods) = (path?, host.unwrap_or(Some(HostPattern::Any))?, methods.map(|read| read.ok_or(())));
    let methods = methods.transpose().ok()?;
    let names: Option<Vec<&str>> = methods.as_ref().map(|list| list.iter().map(Method::as_str).collect());
    let id = name::derived(names.as_deref(), &host, &path);
    let methods = methods.map_or(Some(Methods::Any), Methods::only)?;
    Some(Matched { host, path, methods, place, id })
}

fn path(bag: &mut Bag, entry: &Entry) -> Option<PathPattern> {
    let text = read::text(bag, entry)?;
    let problem = |error: PatternError| Problem::error(&entry.node.place, error.to_string()).help(error.help());
    PathPattern::parse(text).map_err(|error| bag.push(problem(error))).ok()
}

fn host(bag: &mut Bag, entry: &Entry) -> Option<HostPattern> {
    let text = read::text(bag, entry)?;
    let problem = |error: HostPatternError| Problem::error(&entry.node.place, error.to_string()).help(error.help());
    HostPattern::parse(text).map_err(|error| bag.push(problem(error))).ok()
}

fn method(bag: &mut Bag, node: &Node, what: &str) -> Option<Method> {
    let text = read::text_of(bag, node, what)?;
    let upper = text.to_ascii_uppercase();
    let usual = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE"];
    let (message, help) = if text == "*" {
        ("`*` is not a method".to_owned(), "leave `methods` out: the route is then for all of them".to_owned())
    } else if let Some(several) = several_methods(&upper, &usual) {
        (format!("{} is not a method", quoted(text)), format!("write each by itself: `methods: [{several}]`"))
    } else if text != upper && usual.contains(&upper.as_str()) {
        (format!("{} is not a method: case counts", quoted(text)), format!("write `{upper}`"))
    } else if let Ok(method) = Method::parse(text) {
        warn_of_unusual(bag, node, text, &usual);
        return Some(method);
    } else {
        (format!("{} is not a method", quoted(text)), read::choose(&upper, &usual))
    };
    bag.push(Problem::error(&node.place, message).help(help));
    None
}

/// The methods of a text that names several, as items of a list.
fn several_methods(text: &str, usual: &[&str]) -> Option<String> {
    let words: Vec<&str> = text.split([' ', ',', '|']).filter(|word| !word.is_empty()).collect();
    (words.len() > 1 && words.iter().all(|word| usual.contains(word))).then(|| words.join(", "))
}

/// Any token is a method, but one that nobody sends makes a rule that never matches.
fn warn_of_unusual(bag: &mut Bag, node: &Node, text: &str, usual: &[&str]) {
    if usual.contains(&text) {
        return;
    }
    let upper = text.to_ascii_uppercase();
    if let Some(meant) = usual.iter().find(|usual| strsim::osa_distance(&upper, usual) <= 1) {
        let problem = Problem::warning(&node.place, format!("{} is no usual method", quoted(text)));
        bag.push(
            problem
                .lint(Lint::UnusualMethod)
                .help(format!("did you mean `{meant}`? requests with that method don't match here")),
        );
    } else if text != upper {
        let problem = Problem::warning(&node.place, format!("{} is not in upper case, and case counts", quoted(text)));
        bag.push(
            problem
                .lint(Lint::UnusualMethod)
                .help(format!("write {}, unless clients send it like this", quoted(&upper))),
        );
    }
}
