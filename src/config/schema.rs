//! The fields there are, and which of them a variable of the environment can set.

/// What a field holds.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    /// One value: a variable can set it.
    Scalar,
    /// A list or rules: in the file only.
    List,
    /// A section.
    Section(&'static [Field]),
    /// A list of sections, whose scalars a variable can set by index.
    Sections(&'static [Field]),
}

/// A field: its name and what it holds.
#[derive(Clone, Copy)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
}

const fn field(name: &'static str, kind: Kind) -> Field {
    Field { name, kind }
}

/// Whether a field of some section has that name.
pub(super) fn is_field(name: &str) -> bool {
    let all = [FILE, LISTEN, ISSUER, ROUTE, POLICY, SCOPES, REQUEST_CLAIM, IDENTITY, HEADERS];
    all.iter().any(|fields| fields.iter().any(|field| field.name == name))
}

/// The whole file.
pub(super) const FILE: &[Field] = &[
    field("listen", Kind::Section(LISTEN)),
    field("issuers", Kind::Sections(ISSUER)),
    field("routes", Kind::List),
    field("default", Kind::Scalar),
    field("policies", Kind::List),
    field("implies", Kind::List),
    field("identity", Kind::Section(IDENTITY)),
    field("keys_dir", Kind::Scalar),
    field("tests", Kind::List),
];

/// `listen`.
pub(super) const LISTEN: &[Field] = &[field("grpc", Kind::Scalar), field("admin", Kind::Scalar)];

/// One of `issuers`.
pub(super) const ISSUER: &[Field] = &[
    field("issuer", Kind::Scalar),
    field("audiences", Kind::List),
    field("discovery_url", Kind::Scalar),
    field("jwks_uri", Kind::Scalar),
    field("jwks_file", Kind::Scalar),
    field("public_key_file", Kind::Scalar),
    field("secret_file", Kind::Scalar),
    field("secret_env", Kind::Scalar),
    field("allow_http", Kind::Scalar),
    field("ca_file", Kind::Scalar),
    field("proxy", Kind::Scalar),
    field("max_stale", Kind::Scalar),
    field("algorithms", Kind::List),
    field("clock_tolerance", Kind::Scalar),
    field("max_token_age", Kind::Scalar),
    field("strict", Kind::Scalar),
    field("audience_claim", Kind::Scalar),
    field("client_id_claims", Kind::List),
    field("scope_claims", Kind::List),
    field("clients", Kind::List),
    field("claims", Kind::List),
];

/// One of `routes`.
pub(super) const ROUTE: &[Field] = &[
    field("path", Kind::Scalar),
    field("host", Kind::Scalar),
    field("methods", Kind::List),
    field("access", Kind::Scalar),
    field("scopes", Kind::List),
    field("claims", Kind::List),
    field("issuers", Kind::List),
    field("audiences", Kind::List),
    field("id", Kind::Scalar),
    field("shadows", Kind::Scalar),
];

/// One of `policies`.
pub(super) const POLICY: &[Field] = &[
    field("access", Kind::Scalar),
    field("scopes", Kind::List),
    field("claims", Kind::List),
    field("issuers", Kind::List),
    field("audiences", Kind::List),
];

/// `scopes` of a route, written as a section.
pub(super) const SCOPES: &[Field] = &[field("all", Kind::List), field("any", Kind::List)];

/// One of the `claims` of an issuer.
pub(super) const CLAIM: &[Field] = &[
    field("equals", Kind::Scalar),
    field("in", Kind::List),
    field("includes", Kind::List),
    field("present", Kind::Scalar),
];

/// One of the `claims` of a route or a policy.
pub(super) const REQUEST_CLAIM: &[Field] = &[
    field("equals", Kind::Scalar),
    field("in", Kind::List),
    field("includes", Kind::List),
    field("matches", Kind::Scalar),
    field("present", Kind::Scalar),
];

/// `identity`.
pub(super) const IDENTITY: &[Field] = &[
    field("headers", Kind::Section(HEADERS)),
    field("aliases", Kind::Scalar),
    field("forward_authorization", Kind::Scalar),
    field("forward_overrides", Kind::Scalar),
    field("subject_in_metadata", Kind::Scalar),
];

/// `identity.headers`.
pub(super) const HEADERS: &[Field] = &[
    field("subject", Kind::Scalar),
    field("scopes", Kind::Scalar),
    field("issuer", Kind::Scalar),
    field("client_id", Kind::Scalar),
];
