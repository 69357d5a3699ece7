//! `implies`: which scopes stand for others.

use std::collections::HashMap;

use super::{bag::Bag, read};
use crate::{
    config::error::Problem,
    document::{
        suggest::quoted,
        tree::{Entry, Node, Value},
    },
    limits,
};
use portcullis_engine::oauth::{
    implies::{Implications, Implied},
    scope::Scope,
};

/// The implications. What is broken is left out, and reported: then there is no configuration.
pub(super) fn decode(bag: &mut Bag, entry: Option<&Entry>) -> Implications {
    let mut all = Implications::default();
    let Some(entry) = entry else { return all };
    let Value::Section(holders) = &entry.node.value else {
        let message = format!("`implies` must be a section of scopes, not {}", entry.node.value);
        bag.push(Problem::error(&entry.node.place, message).help("write `implies: { admin: [read:messages] }`"));
        return all;
    };
    if read::refuse_many(bag, &entry.place, "`implies`", holders.len(), "scopes").is_none() {
        return all;
    }
    let mut count = 0_usize;
    let mut seen: HashMap<&str, &Entry> = HashMap::with_capacity(holders.len());
    for holder in holders {
        if let Some(first) = seen.insert(&holder.key, holder) {
            let problem = Problem::error(&holder.place, format!("the scope {} is there twice", quoted(&holder.key)));
            bag.push(problem.label("again").and(&first.place, "first").help("put all that it implies into one list"));
            continue;
        }
        let implied = read::list_of(bag, holder, implied).unwrap_or_default();
        count = count.saturating_add(implied.len());
        if count > limits::IMPLICATIONS {
            let message = format!("`implies` has more than {} scopes", limits::IMPLICATIONS);
            bag.push(Problem::error(&entry.place, message).help("cover several with one `*`, as in `\"messages:*\"`"));
            return all;
        }
        let Some(scope) = Scope::parse(&holder.key) else {
            let problem = Problem::error(&holder.place, format!("{} is not one scope", quoted(&holder.key)));
            bag.push(problem.help("write the scope that tokens carry, and then a list of those it stands for"));
            continue;
        };
        implied.into_iter().for_each(|implied| all.add(scope.clone(), implied));
    }
    all
}

fn implied(bag: &mut Bag, node: &Node, what: &str) -> Option<Implied> {
    let text = read::text_of(bag, node, what)?;
    let found = Implied::parse(text);
    if found.is_none() {
        let problem = Problem::error(&node.place, format!("{} is not a scope to be implied", quoted(text)));
        bag.push(problem.help("write one scope, or the beginning of several with a `*` at its end: `\"messages:*\"`"));
    }
    found
}
