//! The fields of one section: known ones by name, and a problem for each that is unknown, twice there or empty.

use super::{bag::Bag, misplaced, read};
use crate::{
    config::{
        error::Problem,
        foreign,
        redact::is_hidden,
        schema::{Field, Kind, List},
    },
    document::{
        flow,
        suggest::{closest, listed, quoted},
        tree::{Entry, Node, Place, Value},
    },
};

/// The fields of a section.
pub(crate) struct Fields<'n> {
    place: &'n Place,
    /// The entries of the section, known or not.
    entries: &'n [Entry],
    found: Vec<&'n Entry>,
    /// Fields that are there in a way that is already reported: misspelt, or without a value.
    spoiled: Vec<&'n str>,
    /// Whether some entry is reported.
    is_faulty: bool,
}

impl<'n> Fields<'n> {
    /// The fields of a node, or `None` with a problem if it is no section. `what` names it in messages.
    pub(crate) fn read(bag: &mut Bag, node: &'n Node, what: &str, known: &'static [Field]) -> Option<Self> {
        let names: Vec<&'static str> = known.iter().map(|field| field.name).collect();
        Self::read_known(bag, node, what, &names, known)
    }

    /// The same for fields of these names.
    pub(crate) fn named(bag: &mut Bag, node: &'n Node, what: &str, names: &[&'static str]) -> Option<Self> {
        Self::read_known(bag, node, what, names, &[])
    }

    /// The fields of these names, of which `known` says more.
    fn read_known(
        bag: &mut Bag,
        node: &'n Node,
        what: &str,
        names: &[&'static str],
        known: &'static [Field],
    ) -> Option<Self> {
        let Value::Section(entries) = &node.value else {
            let message = format!("{what} must be a section of fields, not {}", node.value);
            bag.push(Problem::error(&node.place, message).help(format!("its fields: {}", listed(names, "and"))));
            return None;
        };
        let mut fields = Self { place: &node.place, entries, found: Vec::new(), spoiled: Vec::new(), is_faulty: false };
        read::refuse_many(bag, &node.place, what, entries.len(), "fields")?;
        let is_absent = |name: &&&str| !entries.iter().any(|entry| entry.key == **name);
        let absent: Vec<&str> = names.iter().filter(is_absent).copied().collect();
        for entry in entries {
            fields.take(bag, entry, &absent, what, names, known);
        }
        Some(fields)
    }

    fn take(
        &mut self,
        bag: &mut Bag,
        entry: &'n Entry,
        absent: &[&'n str],
        what: &str,
        names: &[&'n str],
        known: &'static [Field],
    ) {
        if !names.contains(&entry.key.as_str()) {
            let is_full = bag.is_full();
            let closest = |words: &[&'n str]| if is_full { None } else { closest(&entry.key, words.iter().copied()) };
            let foreign = foreign::meant(&entry.key, absent);
            let misplaced = misplaced::help(&entry.key, names, self.entries);
            let meant = match &misplaced {
                // It is no issuer, but what lacks issuers is no second problem.
                Some(_) => Some("issuers"),
                None => foreign.as_ref().map(|meant| meant.field).or_else(|| closest(absent)),
            };
            self.spoiled.extend(meant);
            let help = match (meant, closest(names)) {
                _ if misplaced.is_some() => misplaced.unwrap_or_default(),
                _ if foreign.is_some() => foreign.map(|meant| meant.help(&entry.key, &entry.node)).unwrap_or_default(),
                (Some(meant), _) => {
                    match known.iter().find(|field| field.name == meant).and_then(|of| reshaped(of, entry)) {
                        Some(written) => format!("did you mean `{meant}`? write {}", quoted(&written)),
                        None => format!("did you mean `{meant}`?"),
                    }
                }
                (None, Some(there)) => format!("`{there}` is there already: remove one of the two"),
                (None, None) => format!("the fields here: {}", listed(names, "and")),
            };
            bag.push(Problem::error(&entry.place, format!("{what} has no field {}", quoted(&entry.key))).help(help));
        } else if let Some(first) = self.found.iter().find(|found| found.key == entry.key) {
            let problem = Problem::error(&entry.place, format!("{} is there twice", quoted(&entry.key)));
            bag.push(problem.label("again").and(&first.place, "first").help("keep one"));
        } else if matches!(entry.node.value, Value::Null) {
            self.spoiled.push(&entry.key);
            let problem = Problem::error(&entry.place, format!("{} has no value", quoted(&entry.key)));
            bag.push(problem.help("give it one, or remove the line"));
        } else {
            self.found.push(entry);
            return;
        }
        self.is_faulty = true;
    }

    /// A field, if it is there with a value.
    pub(crate) fn get(&self, name: &str) -> Option<&'n Entry> {
        self.found.iter().find(|entry| entry.key == name).copied()
    }

    /// Whether a field is there, be it broken.
    pub(crate) fn mentions(&self, name: &str) -> bool {
        self.spoiled.contains(&name) || self.get(name).is_some()
    }

    /// Whether something about the fields themselves is reported: what is missing may be what was meant.
    pub(crate) fn is_faulty(&self) -> bool {
        self.is_faulty
    }

    /// A field that must be there: a problem if nothing looks like it.
    pub(crate) fn require(&self, bag: &mut Bag, name: &str, what: &str, help: &str) -> Option<&'n Entry> {
        if !self.mentions(name) {
            bag.push(Problem::error(self.place, format!("{what} lacks `{name}`")).help(help));
        }
        self.get(name)
    }

    /// Where the section starts.
    pub(crate) fn place(&self) -> &'n Place {
        self.place
    }
}

/// A field with the value of another name, where that has to be written in another form: as a list, or as none.
fn reshaped(meant: &Field, entry: &Entry) -> Option<String> {
    let text = read::only_text(&entry.node).filter(|text| !is_hidden(&entry.key, text))?;
    let is_list = matches!(entry.node.value, Value::List(_));
    match meant.kind {
        Kind::List(List::Of(_) | List::UpTo(_, _) | List::Scopes(_)) if !is_list => {
            let words: Vec<&str> = text.split([' ', ',']).filter(|word| !word.is_empty()).collect();
            Some(format!("{}: {}", meant.name, flow::list(&words)))
        }
        Kind::Scalar(_) if is_list => Some(format!("{}: {text}", meant.name)),
        _ => None,
    }
}
