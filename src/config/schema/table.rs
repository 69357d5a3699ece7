//! The table of the fields.

use super::kind::{
    Field,
    Kind::{List as Many, Scalar as One, ScalarOrSection, Section, Sections},
    List::{Claims, Implications, Of, Policies, Routes, Scopes, UpTo},
    Scalar,
    Scalar::{
        Address, Count, Duration, DurationOr, Flag, Group, Header, Host, Method, Mode, Path, ScopeToken, Text, True,
        Url, Value, Words,
    },
    field,
};

use crate::limits;

/// Whether a field of some section has that name.
pub(crate) fn is_field(name: &str) -> bool {
    let all = [FILE, LISTEN, SOCKET, ISSUER, ROUTE, POLICY, SCOPES, REQUEST_CLAIM, IDENTITY, HEADERS];
    all.iter().any(|fields| fields.iter().any(|field| field.name == name))
}

/// The whole file.
pub(crate) const FILE: &[Field] = &[
    field("listen", Section(LISTEN), "Where to listen"),
    field("issuers", Sections(ISSUER), "Whose tokens are taken"),
    field(
        "routes",
        Many(Routes(ROUTE)),
        "Which request needs what; the most specific one decides, order does not matter",
    ),
    field(
        "hosts",
        One(Words(&["as_sent", "stripped"])),
        "stripped: Envoy routes hosts without ports and trailing dots, and sends them as they came (ignore_port_in_host_matching)",
    )
    .or_text("as_sent"),
    field("default", One(Words(&["deny", "authenticated"])), "What holds for paths that no route covers")
        .or_text("deny"),
    field("policies", Many(Policies(POLICY)), "Requirements by name, which Envoy's routes choose: portcullis_policy"),
    field("implies", Many(Implications), "By scope, the scopes that it stands for as well"),
    field("identity", Section(IDENTITY), "What an allowed request brings to the API"),
    field(
        "keys_dir",
        One(Text),
        "A directory: the last good keys are saved there, for a start while an issuer is down",
    ),
    field(
        "ready",
        One(Words(&["keys", "started"])),
        "When /readyz is 200. keys: at least one issuer has keys; started: every issuer was asked for them",
    )
    .or_text("keys"),
    field("tests", Many(Of(Text)), "Files with tests of the policy, relative to this one"),
];

/// `listen`.
pub(crate) const LISTEN: &[Field] = &[
    field("grpc", ScalarOrSection(GRPC_ADDRESS, SOCKET), "For Envoy: host:port, or unix:/run/portcullis.sock")
        .or_text("127.0.0.1:9191"),
    field(
        "admin",
        One(Address { instead: "off" }),
        "For operators, /healthz /readyz /keys /metrics: host:port, or off",
    )
    .or_text("127.0.0.1:9192"),
    field(
        "max_connections",
        One(Count { least: *limits::CONNECTIONS_RANGE.start(), most: *limits::CONNECTIONS_RANGE.end() }),
        "gRPC connections at once; never more than three quarters of the limit of open files",
    )
    .or_count(limits::CONNECTIONS),
];

const GRPC_ADDRESS: Scalar = Address { instead: "unix:/.*[^/]" };

/// `listen.grpc`, written as a section.
pub(crate) const SOCKET: &[Field] = &[
    field("address", One(GRPC_ADDRESS), "host:port, or unix:/run/portcullis.sock").required(),
    field("mode", One(Mode), "Who may connect to the Unix socket, in octal and in quotes: \"0660\""),
    field("group", One(Group), "The group of the Unix socket: a name in /etc/group, or a number"),
];

/// One of `issuers`.
pub(crate) const ISSUER: &[Field] = &[
    field("issuer", One(Text), "The exact `iss` of its tokens").required(),
    field("audiences", Many(Of(Text)), "A token must be for one of them").required(),
    field("discovery_url", One(Url), "The metadata, if it is reached under another address than the issuer's"),
    field("jwks_uri", One(Url), "The address of a JWK Set"),
    field("jwks_file", One(Text), "A JWK Set in a file, relative to this one"),
    field("public_key_file", One(Text), "One public key in a file: PEM, or a JWK"),
    field("secret_file", One(Text), "A shared secret in a file, for HS256, HS384 and HS512"),
    field("secret_env", One(Text), "A shared secret in an environment variable of that name"),
    field("allow_http", One(Flag), "Plain http for the URLs of this issuer; loopback needs no permission").or(false),
    field("ca_file", One(Text), "PEM certificates to trust for these URLs, in place of the system's"),
    field("proxy", One(Url), "A proxy to fetch through"),
    field("max_stale", One(Duration), "How old keys may become while the issuer can't be reached; 10m to 720h")
        .or_text("24h"),
    field("algorithms", Many(Of(Words(ALGORITHMS))), "The algorithms that are accepted; never taken from the token")
        .or_texts(&["RS256", "PS256", "ES256", "EdDSA"]),
    field("clock_tolerance", One(Duration), "By how much clocks may differ, for exp, nbf and iat; 5m at most")
        .or_text("5s"),
    field("max_token_age", One(DurationOr("none")), "How old a token may be since `iat`, which is then required")
        .or_text("none"),
    field("strict", One(Flag), "Tokens of RFC 9068 only").or(false),
    field("audience_claim", One(Text), "The claim with the audience; client_id for Amazon Cognito").or_text("aud"),
    field("client_id_claims", Many(Of(Text)), "Claims with the client's id; the first that is there counts")
        .or_texts(&["client_id", "azp", "cid", "appid"]),
    field("scope_claims", Many(Of(Text)), "Claims with scopes; all of them count").or_texts(&["scope", "scp"]),
    field("clients", Many(Of(Text)), "The only clients whose tokens are taken"),
    field("claims", Many(Claims(CLAIM)), "What claims of its tokens must be, or they are answered with 401"),
];

const ALGORITHMS: &[&str] = &[
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "HS256", "HS384", "HS512",
];

/// One of `routes`.
pub(crate) const ROUTE: &[Field] = &[
    field(
        "path",
        One(Path),
        "The path: {name} is one whole segment, {name}:verb one with that end, /** at the end covers all below",
    )
    .required(),
    field("host", One(Host), "The host, or *.example.com; without it any host"),
    field(
        "methods",
        Many(Of(Method)),
        "GET admits HEAD as well; without it all but CONNECT, and those of WebDAV that act on a second resource, as COPY and MOVE do",
    ),
    ACCESS,
    ROUTE_SCOPES,
    ROUTE_CLAIMS,
    ROUTE_ISSUERS,
    ROUTE_AUDIENCES,
    field("id", One(Text), "Its name in logs and metrics; else made of method, host and path"),
    field("shadows", One(Flag), "It is meant that it asks for less than a route for more hosts").or(false),
    field(
        "encoded_slashes",
        One(Words(&["refuse", "allow"])),
        "allow: %2F is data of the last segment, where that is a {name} or /**",
    )
    .or_text("refuse"),
];

/// One of `policies`.
pub(crate) const POLICY: &[Field] = &[ACCESS, ROUTE_SCOPES, ROUTE_CLAIMS, ROUTE_ISSUERS, ROUTE_AUDIENCES];

const ACCESS: Field = field(
    "access",
    One(Words(&["public", "authenticated", "optional"])),
    "public: no token is looked at; authenticated: any valid token; optional: no credentials, or a valid token",
);
const ROUTE_SCOPES: Field = field("scopes", Many(Scopes(SCOPES)), "The scopes that a token must have: all of a list");
const ROUTE_CLAIMS: Field =
    field("claims", Many(Claims(REQUEST_CLAIM)), "What claims must be, by name or /nested/name");
const ROUTE_ISSUERS: Field = field("issuers", Many(Of(Text)), "The only issuers whose tokens do here");
const ROUTE_AUDIENCES: Field = field("audiences", Many(Of(Text)), "A token must be for one of these");

/// `scopes` of a route, written as a section.
pub(crate) const SCOPES: &[Field] = &[
    field("all", Many(Of(ScopeToken)), "A token must have all of these"),
    field("any", Many(Of(ScopeToken)), "A token must have one of these"),
];

const EQUALS: Field = field("equals", One(Value), "Exactly this value");
const IN: Field = field("in", Many(Of(Value)), "One of these values");
const INCLUDES: Field = field("includes", Many(Of(Value)), "An array, or words of a text, with all of these");
const PRESENT: Field = field("present", One(True), "There, with any value but null");

/// One of the `claims` of an issuer.
pub(crate) const CLAIM: &[Field] = &[EQUALS, IN, INCLUDES, PRESENT];

/// One of the `claims` of a route or a policy.
pub(crate) const REQUEST_CLAIM: &[Field] = &[
    EQUALS,
    IN,
    INCLUDES,
    field("matches", One(Scalar::Part), "The same as a part of the request: \"{name}\" of the path, host or subdomain"),
    PRESENT,
];

/// `identity`.
pub(crate) const IDENTITY: &[Field] = &[
    field("headers", Section(HEADERS), "The headers that carry the identity; none switches one off"),
    field("aliases", One(Words(&["seen", "always"])), "always: for an Envoy with allowed_headers").or_text("seen"),
    field("forward_authorization", One(Flag), "false keeps the token from the API").or(true),
    field("forward_overrides", One(Flag), "true lets x-http-method-override and its kin pass").or(false),
    field(
        "remove",
        Many(UpTo(limits::REMOVED_HEADERS, Header)),
        "More headers that never pass, in any spelling that a backend may fold into them",
    ),
    field("subject_in_metadata", One(Flag), "true: the subject is in Envoy's access log").or(false),
];

/// `identity.headers`.
pub(crate) const HEADERS: &[Field] = &[
    field("subject", One(Header), "For `sub`").or_text("x-auth-subject"),
    field("scopes", One(Header), "For the scopes").or_text("x-auth-scopes"),
    field("issuer", One(Header), "For `iss`").or_text("x-auth-issuer"),
    field("client_id", One(Header), "For the client's id").or_text("x-auth-client-id"),
];
