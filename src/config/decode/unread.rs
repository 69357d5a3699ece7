//! The list of what a configuration names outside of itself, for a check that reads none of it.

use super::around::Around;
use crate::{
    config::redact::is_variable,
    document::{
        suggest::quoted,
        tree::{Entry, Node, Value},
    },
};

/// Something that a configuration names and that was not looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// The name of the field that names it.
    pub field: &'static str,
    /// The issuer whose field it is; `None` for one of the whole file.
    pub issuer: Option<String>,
    /// The place of the field, for people.
    pub written_at: String,
    /// The name of the file or the variable, where it can be shown: what is written may be the secret itself.
    pub name: Option<String>,
}

/// Fields of an issuer that name something to be read.
const OF_ISSUERS: [&str; 5] = ["secret_file", "secret_env", "jwks_file", "public_key_file", "ca_file"];

/// Lists everything that a configuration names outside of itself, in the order of the file.
pub(crate) fn list(root: &Node, around: Around<'_>) -> Vec<Unread> {
    let mut all = Vec::new();
    for entry in fields(root) {
        if entry.key == "keys_dir" {
            all.push(unread("keys_dir", None, entry, around));
        }
        let issuers = match &entry.node.value {
            Value::List(issuers) if entry.key == "issuers" => issuers.as_slice(),
            _ => &[],
        };
        for issuer in issuers {
            let name = fields(issuer).iter().find(|entry| entry.key == "issuer").and_then(text);
            for entry in fields(issuer) {
                let field = OF_ISSUERS.iter().find(|field| **field == entry.key);
                all.extend(field.map(|field| unread(field, name, entry, around)));
            }
        }
    }
    all
}

fn unread(field: &'static str, issuer: Option<&str>, entry: &Entry, around: Around<'_>) -> Unread {
    let is_shown = |name: &&str| match field {
        "secret_file" => false,
        "secret_env" => is_variable(name),
        _ => true,
    };
    Unread {
        field,
        issuer: issuer.map(str::to_owned),
        written_at: around.locate(&entry.node.place),
        name: text(entry).filter(is_shown).map(str::to_owned),
    }
}

impl std::fmt::Display for Unread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`{}`", self.field)?;
        if let Some(name) = &self.name {
            write!(f, " {}", quoted(name))?;
        }
        if let Some(issuer) = &self.issuer {
            write!(f, " of the issuer {}", quoted(issuer))?;
        }
        write!(f, " ({})", self.written_at)
    }
}

fn fields(node: &Node) -> &[Entry] {
    if let Value::Section(entries) = &node.value { entries } else { &[] }
}

fn text(entry: &Entry) -> Option<&str> {
    if let Value::String(text) = &entry.node.value { Some(text) } else { None }
}
