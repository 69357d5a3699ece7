//! Names of settings in other programs, for people who come from those: express-oauth2-jwt-bearer above all, Envoy's
//! jwt_authn, Istio and Spring.

/// What is here for a name of elsewhere: the field, and what to write.
pub(super) struct Meant {
    pub(super) field: &'static str,
    pub(super) help: &'static str,
}

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
    ("prefix", "path", "write `path: /api/**` for `/api` and everything below it"),
    (
        "permissions",
        "scopes",
        "write `scopes: [read:messages]`, and `scope_claims: [scope, permissions]` at the issuer",
    ),
    ("roles", "scopes", "write `scopes: [admin]`, and `scope_claims: [scope, roles]` at the issuer"),
    ("claimtoheaders", "headers", "write `headers: { subject: x-auth-subject }`"),
    ("rules", "routes", "write `routes`"),
];

/// What a name stands for, if it is one of elsewhere and the section has a field for it.
pub(super) fn meant(name: &str, fields: &[&str]) -> Option<Meant> {
    let plain: String = name.chars().filter(|c| !matches!(c, '_' | '-' | '.')).collect::<String>().to_ascii_lowercase();
    let found = NAMES.iter().find(|(name, field, _)| *name == plain && fields.contains(field));
    found.map(|(_, field, help)| Meant { field, help })
}

#[cfg(test)]
mod tests {
    use super::{super::super::schema, *};

    #[test]
    fn names_lead_to_fields_that_there_are() {
        assert!(NAMES.iter().all(|(_, field, _)| schema::is_field(field)));
        for name in ["issuerBaseURL", "issuer-base-url", "issuer_base_url"] {
            assert_eq!(meant(name, &["audiences", "issuer"]).map(|meant| meant.field), Some("issuer"), "{name}");
        }
        assert!(meant("issuerBaseURL", &["path"]).is_none() && meant("issuer", &["issuer"]).is_none());
    }
}
