//! Names of settings in other programs, for people who come from those: express-oauth2-jwt-bearer above all, Envoy's
//! jwt_authn, Istio and Spring.

use crate::document::{
    flow,
    suggest::quoted,
    tree::{Node, Value},
};

/// What is here for a name of elsewhere: the field, and what to write.
pub(crate) struct Meant {
    pub(crate) field: &'static str,
    help: &'static str,
}

impl Meant {
    /// The text to write, with the value that was given where it can be told how it is written here.
    pub(crate) fn help(&self, name: &str, given: &Node) -> String {
        let texts = match &given.value {
            Value::String(text) => text.split([' ', ',']).filter(|word| !word.is_empty()).collect(),
            Value::List(items) => items.iter().filter_map(text_of).collect(),
            _ => Vec::new(),
        };
        let list = flow::list(&texts);
        let listed = |field: &str| quoted(&format!("{field}: {list}"));
        match (plain(name).as_str(), texts.as_slice()) {
            ("prefix" | "pathprefix", [prefix]) if prefix.starts_with('/') => below(prefix),
            ("match", _) => match (member(given, "prefix"), member(given, "path")) {
                (Some(prefix), _) if prefix.starts_with('/') => below(prefix),
                (_, Some(path)) => format!("write it without `match`: {}", quoted(&format!("path: {path}"))),
                _ => self.help.to_owned(),
            },
            ("groups", [_, ..]) => {
                format!("write {}", quoted(&format!("claims: {{ groups: {{ includes: {list} }} }}")))
            }
            ("issueruri", [issuer]) => {
                format!("write {}, exactly as tokens have it in `iss`", quoted(&format!("issuer: {issuer}")))
            }
            ("requiredscopes", [_, ..]) => format!("write a list: {}", listed("scopes")),
            ("tokensigningalg", [_, ..]) => format!("write a list: {}", listed("algorithms")),
            ("scopeincludesany", [_, ..]) => {
                format!("write {}", quoted(&format!("scopes: {{ any: {list} }}")))
            }
            ("permissions", [_, ..]) => {
                format!("write {}, and `scope_claims: [scope, permissions]` at the issuer", listed("scopes"))
            }
            ("roles", [_, ..]) => {
                format!("write {}, and `scope_claims: [scope, roles]` at the issuer", listed("scopes"))
            }
            ("public", _) if matches!(given.value, Value::Bool(false)) => {
                "write `access: authenticated`, or `scopes` and `claims`".to_owned()
            }
            ("authenticated", _) if matches!(given.value, Value::Bool(false)) => {
                "write `access: public` to look at no token, or `access: optional`".to_owned()
            }
            _ => self.help.to_owned(),
        }
    }
}

/// The text to write for a path and everything below it.
fn below(prefix: &str) -> String {
    match prefix.trim_end_matches('/') {
        "" => "write `path: /**` for every path".to_owned(),
        prefix => {
            format!("write {} for {} and everything below it", quoted(&format!("path: {prefix}/**")), quoted(prefix))
        }
    }
}

/// The text of a field of a section.
fn member<'n>(node: &'n Node, name: &str) -> Option<&'n str> {
    let Value::Section(entries) = &node.value else { return None };
    entries.iter().find(|entry| entry.key == name).and_then(|entry| text_of(&entry.node))
}

fn text_of(node: &Node) -> Option<&str> {
    match &node.value {
        Value::String(text) => Some(text),
        _ => None,
    }
}

/// A name without what tells its spellings apart.
fn plain(name: &str) -> String {
    name.chars().filter(|c| !matches!(c, '_' | '-' | '.')).collect::<String>().to_ascii_lowercase()
}

const PREFIX: &str = "write a path that ends in `/**`: `path: /api/**`";

const NAMES: &[(&str, &str, &str)] = &[
    ("issuerbaseurl", "issuer", "write `issuer: https://tenant.eu.auth0.com/`, exactly as tokens have it in `iss`"),
    ("issueruri", "issuer", "write `issuer`, exactly as tokens have it in `iss`"),
    ("tokensigningalg", "algorithms", "write a list: `algorithms: [RS256]`"),
    ("secret", "secret_file", "write `secret_file` or `secret_env`: secrets don't stand in the configuration"),
    ("publickey", "public_key_file", "write `public_key_file`, with the name of a file"),
    ("validators", "claims", "write `claims: { org_id: { equals: org_42 } }`"),
    ("jwkseturi", "jwks_uri", "write `jwks_uri`"),
    ("remotejwks", "jwks_uri", "write `jwks_uri: https://…`"),
    ("localjwks", "jwks_file", "write `jwks_file`, with the name of a file"),
    (
        "cachemaxage",
        "max_stale",
        "keys are fetched anew by themselves; `max_stale` says for how long without the issuer",
    ),
    ("authrequired", "access", "for `authRequired: false` write `access: optional` on the route"),
    ("requiredscopes", "scopes", "write a list: `scopes: [read:messages]`"),
    ("scopeincludesany", "scopes", "write `scopes: { any: [read:messages, admin:messages] }`"),
    ("claimequals", "claims", "write `claims: { org_id: { equals: org_42 } }`"),
    ("claimincludes", "claims", "write `claims: { groups: { includes: [staff] } }`"),
    ("claimcheck", "claims", "write `claims: { level: { in: [1, 2] } }`: rules are data, not code"),
    ("prefix", "path", PREFIX),
    ("pathprefix", "path", PREFIX),
    ("match", "path", "write `path: /api/**`, with `host` and `methods` beside it"),
    ("groups", "claims", "write `claims: { groups: { includes: [staff] } }`"),
    (
        "permissions",
        "scopes",
        "write `scopes: [read:messages]`, and `scope_claims: [scope, permissions]` at the issuer",
    ),
    ("roles", "scopes", "write `scopes: [admin]`, and `scope_claims: [scope, roles]` at the issuer"),
    ("claimtoheaders", "headers", "write `headers: { subject: x-auth-subject }`"),
    ("rules", "routes", "write `routes`"),
    ("public", "access", "write `access: public`"),
    ("authenticated", "access", "write `access: authenticated`"),
    ("anonymous", "access", "write `access: optional` to take requests without a token, or `access: public`"),
];

/// What a name stands for, if it is one of elsewhere and the section has a field for it.
pub(crate) fn meant(name: &str, fields: &[&str]) -> Option<Meant> {
    let plain = plain(name);
    let found = NAMES.iter().find(|(name, field, _)| *name == plain && fields.contains(field));
    found.map(|(_, field, help)| Meant { field, help })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::schema;

    #[test]
    fn names_lead_to_fields_that_there_are() {
        assert!(NAMES.iter().all(|(_, field, _)| schema::is_field(field)));
        for name in ["issuerBaseURL", "issuer-base-url", "issuer_base_url"] {
            assert_eq!(meant(name, &["audiences", "issuer"]).map(|meant| meant.field), Some("issuer"), "{name}");
        }
        assert!(meant("issuerBaseURL", &["path"]).is_none() && meant("issuer", &["issuer"]).is_none());
    }
}
