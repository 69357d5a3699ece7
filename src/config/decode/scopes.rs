//! `scopes` of a route: a list is all of them, a section says `all` and `any`.

use super::{bag::Bag, fields::Fields, read};
use crate::{
    config::{error::Problem, schema::SCOPES},
    document::{
        suggest::quoted,
        tree::{Entry, Node, Value},
    },
};
use portcullis_engine::oauth::{
    implies::Implications,
    scope::{Scope, ScopeNeed, ScopeRequirement},
};

/// The scopes that a route asks for: at least one.
pub(super) fn decode(bag: &mut Bag, entry: &Entry, implications: &Implications) -> Option<ScopeRequirement> {
    let list = |bag: &mut Bag, entry: &Entry| -> Option<Vec<ScopeNeed>> {
        let scopes = read::list_of(bag, entry, scope)?;
        Some(scopes.into_iter().map(|scope| implications.need(scope)).collect())
    };
    if !matches!(entry.node.value, Value::Section(_)) {
        return Some(ScopeRequirement { all: list(bag, entry)?, any: Vec::new() });
    }
    let fields = Fields::read(bag, &entry.node, "`scopes`", SCOPES)?;
    let all = fields.get("all").map_or(Some(Vec::new()), |entry| list(bag, entry));
    let any = fields.get("any").map_or(Some(Vec::new()), |entry| list(bag, entry));
    let (all, any) = (all?, any?);
    if all.is_empty() && any.is_empty() {
        if !fields.is_faulty() {
            let problem = Problem::error(&entry.place, "`scopes` asks for nothing");
            bag.push(problem.help("name them, `scopes: [read:messages]`, or write `access: authenticated`"));
        }
        return None;
    }
    Some(ScopeRequirement { all, any })
}

fn scope(bag: &mut Bag, node: &Node, what: &str) -> Option<Scope> {
    let text = read::text_of(bag, node, what)?;
    let scope = Scope::parse(text);
    if scope.is_none() {
        let problem = Problem::error(&node.place, format!("{} is not one scope", quoted(text)));
        bag.push(if text.contains(' ') {
            problem.help("a scope has no blanks: write each as an item of its own")
        } else {
            problem.help("a scope is visible ASCII without `\"` and `\\` (RFC 6749 section 3.3)")
        });
    }
    scope
}
