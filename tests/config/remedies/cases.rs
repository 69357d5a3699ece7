//! The help that is followed, by the place that it comes from.

/// One help that is followed: the file of the source that it comes from, a configuration, and the change that the help
/// asks for.
pub(super) struct Case {
    pub(super) source: &'static str,
    pub(super) text: String,
    /// The text that is replaced, and the one that replaces it.
    pub(super) change: (&'static str, &'static str),
}

fn whole(source: &'static str, text: &str, from: &'static str, to: &'static str) -> Case {
    Case { source, text: text.to_owned(), change: (from, to) }
}

fn issuer(source: &'static str, fields: &str, from: &'static str, to: &'static str) -> Case {
    whole(source, &format!("issuers: [{{ {fields} }}]\nroutes: [{{ path: /a, scopes: [a] }}]\n"), from, to)
}

/// An issuer that is good but for one field.
fn option(source: &'static str, field: &str, from: &'static str, to: &'static str) -> Case {
    issuer(source, &format!("issuer: 'https://i.example/', audiences: [a], {field}"), from, to)
}

fn route(source: &'static str, fields: &str, from: &'static str, to: &'static str) -> Case {
    let issuers = "issuers: [{ issuer: 'https://i.example/', audiences: [a] }]";
    whole(source, &format!("{issuers}\nroutes: [{{ {fields} }}]\n"), from, to)
}

fn path(text: &str, from: &'static str, to: &'static str) -> Case {
    route("../engine/src/policy/pattern_help.rs", &format!("path: '{text}', access: public"), from, to)
}

fn top(source: &'static str, field: &str, from: &'static str, to: &'static str) -> Case {
    whole(source, &format!("routes: [{{ path: /a, access: public }}]\n{field}\n"), from, to)
}

const TID: &str = "8eaef023-2b34-4da1-9baa-8bc8c9d6a490";

pub(super) fn cases() -> Vec<Case> {
    [decode(), forms(), patterns(), foreign(), providers(), lint()].into_iter().flatten().collect()
}

fn decode() -> Vec<Case> {
    let claim = |test: &str, from, to| route("config/decode/claim.rs", &format!("path: /a, claims: {test}"), from, to);
    vec![
        issuer("config/decode/issuer.rs", "audiences: [a]", "{ aud", "{ issuer: 'https://i.example/', aud"),
        option("config/decode/issuer.rs", "max_token_age: 0s", "0s", "24h"),
        option("config/decode/issuer.rs", "max_token_age: 0s", "0s", "none"),
        option("config/decode/issuer_keys.rs", "max_stale: 1s", "1s", "24h"),
        option("config/decode/duration.rs", "clock_tolerance: 5", "e: 5", "e: 5s"),
        option("config/decode/issuer.rs", "clock_tolerance: 600", "600", "5s"),
        option("config/decode/issuer.rs", "clock_tolerance: -1", "-1", "5s"),
        option("config/decode/issuer.rs", "max_token_age: 0", ": 0", ": none"),
        option("config/decode/issuer_keys.rs", "max_stale: 5", ": 5", ": 24h"),
        option("config/decode/duration.rs", "max_stale: 3600", "3600", "3600s"),
        route("config/decode/fields.rs", "path: /a, scope: 'x y'", "scope: 'x y'", "scopes: [x, y]"),
        route("config/decode/fields.rs", "path: /a, access: public, method: GET", "method: GET", "methods: [GET]"),
        issuer("config/decode/fields.rs", "issuer: 'https://i.example/', audience: a", "audience: a", "audiences: [a]"),
        top("config/decode/fields.rs", "identity: { removed: x-user }", "removed: x-user", "remove: [x-user]"),
        route("config/decode/fields.rs", "access: public, paths: [/p]", "paths: [/p]", "path: /p"),
        route("config/decode/fields.rs", "path: /a, access: public, hosts: [h]", "hosts: [h]", "host: h"),
        route("config/decode/read.rs", "path: /a, access: public, host: [h]", "[h]", "h"),
        top("config/decode/read.rs", "listen: { admin: true }", "true", "127.0.0.1:9192"),
        top("config/decode/read.rs", "listen: { admin: 9191 }", "9191", "127.0.0.1:9192"),
        top("config/decode/read.rs", "listen: { grpc: 9192 }", "9192", "127.0.0.1:9191"),
        route(
            "config/decode/route.rs",
            "path: /a, access: public, methods: ['GET,POST']",
            "['GET,POST']",
            "[GET, POST]",
        ),
        route("config/decode/route.rs", "path: /a, access: public, methods: [get post]", "[get post]", "[GET, POST]"),
        option("config/decode/duration.rs", "clock_tolerance: soon", "soon", "250ms"),
        option("config/decode/url.rs", "jwks_uri: keys", "keys", "https://host/path"),
        option("config/decode/url.rs", "jwks_uri: 'ftp://k.example/'", "ftp:", "https:"),
        option("config/decode/url.rs", "jwks_uri: 'https://k..example/'", "k..e", "k.e"),
        issuer("config/decode/key_source.rs", "issuer: i, audiences: [a]", "issuer: i", "issuer: 'https://i.example/'"),
        option("config/decode/key_source.rs", "jwks_file: '{}'", "'{}'", "tests/fixtures/config/valid/keys.json"),
        option("config/decode/transport.rs", "proxy: p.example", "p.example", "http://host:8080"),
        option(
            "config/resolve/secret.rs",
            "secret_file: 'openssesame'",
            "'openssesame'",
            "tests/fixtures/config/valid/secret.txt",
        ),
        option("config/decode/key_source.rs", "secret_env: 'open sesame'", "'open sesame'", "PARTNER_SECRET"),
        option("config/decode/read.rs", "allow_http: 1", "1", "true"),
        option("config/decode/read.rs", "clients: ['']", "['']", "[x]"),
        option("config/decode/read.rs", "client_id_claims: azp", ": azp", ": [azp]"),
        option("config/decode/read.rs", "audience_claim: ''", "''", "something"),
        option("config/decode/read.rs", "algorithms: [256]", "256", "RS256"),
        option("config/decode/algorithm.rs", "algorithms: [256]", "256", "ES256"),
        issuer("config/decode/read.rs", "issuer: 7, audiences: [a]", "7", "'https://host/path'"),
        option("config/decode/read.rs", "proxy: 7", "7", "http://host:8080"),
        top("config/decode/read.rs", "listen: { grpc: 9191 }", "9191", "127.0.0.1:9191"),
        top("config/decode/read.rs", "listen: { grpc: 99999999 }", "99999999", "127.0.0.1:9191"),
        top("config/decode/read.rs", "listen: { grpc: true }", "true", "127.0.0.1:9191"),
        top("config/decode/read.rs", "listen: { admin: false }", "false", "off"),
        top("config/decode/read.rs", "listen: { admin: 9192 }", "9192", "127.0.0.1:9192"),
        top("config/decode/read.rs", "default: true", "true", "deny"),
        route("config/decode/read.rs", "path: 7, access: public", "7", "/api/**"),
        route("config/decode/read.rs", "path: /a, access: true", "true", "public"),
        route("config/decode/read.rs", "path: /a, access: x", "x }", "authenticated }"),
        top("config/decode/address.rs", "listen: { grpc: x }", "x }", "127.0.0.1:9191 }"),
        top("config/decode/address.rs", "listen: { admin: x }", "x }", "off }"),
        top("config/decode/address.rs", "listen: { grpc: 'unix:x' }", "'unix:x'", "unix:/run/portcullis.sock"),
        top("config/decode/address.rs", "listen: { grpc: 'host:1' }", "'host:1'", "'localhost:1'"),
        top(
            "config/decode/socket.rs",
            "listen: { grpc: { mode: '0660' } }",
            "{ mode",
            "{ address: unix:/run/portcullis.sock, mode",
        ),
        top("config/decode/socket.rs", "listen: { grpc: { address: 'unix:/p', mode: 660 } }", "660", "\"0660\""),
        top(
            "config/decode/socket.rs",
            "listen: { grpc: { address: 'unix:/p', mode: 0600 } }",
            "mode: 0600",
            "mode: \"0600\"",
        ),
        top("config/decode/socket.rs", "listen: { grpc: { address: 'unix:/p', mode: rw } }", "rw", "\"0660\""),
        top("config/decode/socket.rs", "listen: { grpc: { address: 'unix:/p', mode: '4660' } }", "'4660'", "\"0660\""),
        top("config/decode/socket.rs", "listen: { grpc: { address: 'unix:/p', mode: '0440' } }", "'0440'", "\"0660\""),
        top(
            "config/decode/socket.rs",
            "listen: { grpc: { address: 'unix:/p', mode: '0666' } }",
            "'0666'",
            "\"0660\", group: 1",
        ),
        top("config/decode/socket.rs", "listen: { grpc: { address: 'unix:/p', group: 'a:b' } }", "'a:b'", "envoy"),
        route("config/decode/route.rs", "access: public", "{ acc", "{ path: '/api/messages/{id}', acc"),
        route("config/decode/route.rs", "path: /a, access: public, methods: [get]", "get", "GET"),
        route("config/decode/route.rs", "path: /a, access: public, methods: [purge]", "purge", "PURGE"),
        route("config/decode/access.rs", "path: /a", "/a }", "/a, access: authenticated }"),
        whole(
            "config/decode/access.rs",
            "issuers: [{ issuer: 'https://i.example/', audiences: [api-1] }]\nroutes: [{ path: /a, audiences: [wrong] }]",
            "[wrong]",
            "['api-1']",
        ),
        route("config/decode/scopes.rs", "path: /a, scopes: {}", "scopes: {}", "access: authenticated"),
        route("config/decode/scopes.rs", "path: /a, scopes: ['x y']", "'x y'", "x, y"),
        route("config/decode/read.rs", "path: /a, scopes: 'x y'", ": 'x y'", ": [x, y]"),
        claim("[a]", "claims: [a]", "claims: { org_id: { equals: org_42 } }"),
        claim("{}", "claims: {}", "claims: { org_id: { equals: org_42 } }"),
        claim("{ org: acme }", "org: acme", "org: { equals: acme }"),
        claim("{ org: {} }", "{}", "{ present: true }"),
        option("config/decode/claim.rs", "claims: { org: {} }", "{}", "{ present: true }"),
        claim("{ a: { equals: no } }", "no }", "\"no\" }"),
        claim("{ a: { equals: [b] } }", "equals", "in"),
        claim("{ realm.roles: { present: true } }", "realm.roles", "/realm/roles"),
        route("config/decode/binding.rs", "path: '/x/{org}', claims: { org: { matches: 7 } }", "7", "\"{org}\""),
        route(
            "config/decode/binding.rs",
            "path: '/x/{org}', claims: { org: { matches: subdomain } }",
            "subdomain",
            "host",
        ),
        top(
            "config/decode/binding.rs",
            "issuers: [{ issuer: 'https://i.example/', audiences: [a] }]\npolicies: { p: { claims: { a: { matches: '{x}' } } } }",
            "'{x}'",
            "host",
        ),
        top("config/decode/implies.rs", "implies: [a]", "implies: [a]", "implies: { admin: [read:messages] }"),
        top("config/decode/implies.rs", "implies: { 'a b': [c] }", "'a b'", "a"),
        top("config/decode/implies.rs", "implies: { a: ['b*c'] }", "'b*c'", "\"messages:*\""),
        top(
            "config/decode/named.rs",
            "issuers: [{ issuer: 'https://i.example/', audiences: [a] }]\npolicies: [a]",
            "policies: [a]",
            "policies: { admins: { scopes: [admin] } }",
        ),
        whole(
            "config/decode/policy.rs",
            "issuers: [{ issuer: 'https://i.example/', audiences: [a] }]\n",
            "}]\n",
            "}]\nroutes: [{ path: /**, access: authenticated }]\n",
        ),
        top("config/decode/policy.rs", "default: public", "}]\ndefault: public", "}, { path: /**, access: public }]"),
        whole(
            "document/builder.rs",
            "a: &a { x: 1 }\nroutes: [{ <<: *a, path: /a }]\n",
            "a: &a { x: 1 }\nroutes: [{ <<: *a, path: /a }]",
            "routes: [{ path: /a, access: public }]",
        ),
        whole("document/builder.rs", "routes: &r [{ path: /a, access: public }, *r]", ", *r]", "]"),
    ]
}

/// Values of another form than the one that their field has.
fn forms() -> Vec<Case> {
    vec![
        top(
            "config/decode/misplaced.rs",
            "issuer: https://i.example/",
            "issuer: https://i.example/",
            "issuers: [{ issuer: https://i.example/, audiences: [https://a.example] }]",
        ),
        top("config/decode/read.rs", "implies: { admin: '*' }", "'*' }", "[\"*\"] }"),
        top(
            "config/decode/named.rs",
            "issuers: [{ issuer: 'https://i.example/', audiences: [a] }]\npolicies: { admins: [admin] }",
            "admins: [admin]",
            "admins: { scopes: [admin] }",
        ),
    ]
}

fn patterns() -> Vec<Case> {
    let host = |text: &str, from, to| {
        route("../engine/src/policy/host_pattern.rs", &format!("path: /a, access: public, host: '{text}'"), from, to)
    };
    vec![
        path("api", "'api'", "'/api'"),
        path("api/x?key=v", "'api/x?key=v'", "'/api/x'"),
        path("^/users/\\d+$", "'^/users/\\d+$'", "'/users/{id}'"),
        path("^/v[0-9]+/.*$", "'^/v[0-9]+/.*$'", "'/{id}/**'"),
        path("^/users/(\\d+)/posts", "'^/users/(\\d+)/posts'", "'/users/{id}/posts'"),
        path("^\\/users\\/.+", "'^\\/users\\/.+'", "'/users/**'"),
        path("/users/[^/]+", "'/users/[^/]+'", "'/users/{id}'"),
        path("/users/[^/]+/posts/[0-9]+", "'/users/[^/]+/posts/[0-9]+'", "'/users/{id}/posts/{id2}'"),
        path("/files/[a-z/]+x", "'/files/[a-z/]+x'", "'/api/**'"),
        path("/api/.*", "'/api/.*'", "'/api/**'"),
        path("/v1\\.0/x", "'/v1\\.0/x'", "'/v1.0/x'"),
        path("/users/\\d+", "'/users/\\d+'", "'/users/{id}'"),
        path(
            "/(?:public|docs)/x",
            "path: '/(?:public|docs)/x', access: public",
            "path: /public/x, access: public }, { path: /docs/x, access: public",
        ),
        path("^(?!x)//", "'^(?!x)//'", "'/api/**'"),
        path("{id}/{", "'{id}/{'", "'/api/**'"),
        path(
            "^/(public|docs)/x$",
            "path: '^/(public|docs)/x$', access: public",
            "path: /public/x, access: public }, { path: /docs/x, access: public",
        ),
        path("{id}x/y", "'{id}x/y'", "'/api/**'"),
        path(
            "https://api.example.com/orders?x=1",
            "path: 'https://api.example.com/orders?x=1'",
            "host: api.example.com, path: /orders",
        ),
        path("http://api.example.com:8080", "path: 'http://api.example.com:8080'", "host: api.example.com, path: /"),
        path("*", "'*'", "'/**'"),
        path("GET /foo", "path: 'GET /foo'", "methods: [GET], path: /foo"),
        path("/users/\\d+$", "\\d+$", "{id}"),
        path("/a?x=y", "/a?x=y", "/a"),
        path("/a//b", "/a//b", "/a/b"),
        path("/a/{b}c", "{b}c", "{name}"),
        path("/a/b*", "b*", "{name}"),
        path("/a/:id", ":id", "{id}"),
        path("/a/:id?", ":id?", "{id}"),
        path("/a/:id(\\\\d+)", ":id(\\\\d+)", "{id}"),
        path("/a/:/b", "/:/", "/{id}/"),
        path("/a/<int:id>", "<int:id>", "{id}"),
        path("/a/[0-9]+", "[0-9]+", "{id}"),
        path("/a/%7euser", "%7euser", "~user"),
        path("/a/x y", "x y", "x%20y"),
        path("/é", "é", "%C3%A9"),
        host("a.*.com", "a.*.com", "*.example.com"),
        host("h.example:80", "h.example:80", "h.example"),
        host("*.h.example:80", "*.h.example:80", "*.h.example"),
        host("https://a.test/", "https://a.test/", "a.test"),
        host("a b", "a b", "api.example.com"),
    ]
}

fn foreign() -> Vec<Case> {
    const SOURCE: &str = "config/foreign.rs";
    vec![
        issuer(SOURCE, "issuerBaseURL: 7, audiences: [a]", "issuerBaseURL: 7", "issuer: https://tenant.eu.auth0.com/"),
        issuer(SOURCE, "issuer-uri: 'https://t.example/', audiences: [a]", "issuer-uri", "issuer"),
        issuer(SOURCE, "issuer-uri: 7, audiences: [a]", "issuer-uri: 7", "issuer: 'https://t.example/'"),
        option(SOURCE, "tokenSigningAlg: ES256", "tokenSigningAlg: ES256", "algorithms: [ES256]"),
        option(SOURCE, "tokenSigningAlg: 7", "tokenSigningAlg: 7", "algorithms: [RS256]"),
        option(SOURCE, "secret: x", "secret: x", "secret_file: tests/fixtures/config/valid/secret.txt"),
        option(
            SOURCE,
            "publicKey: x",
            "publicKey: x",
            "public_key_file: tests/fixtures/config/valid/key.pem, algorithms: [ES512]",
        ),
        option(SOURCE, "validators: x", "validators: x", "claims: { org_id: { equals: org_42 } }"),
        option(SOURCE, "jwk_set_uri: 'https://k.example/'", "jwk_set_uri", "jwks_uri"),
        option(SOURCE, "remote_jwks: { uri: x }", "remote_jwks: { uri: x }", "jwks_uri: https://k.example"),
        option(SOURCE, "local_jwks: x", "local_jwks: x", "jwks_file: tests/fixtures/config/valid/keys.json"),
        route(SOURCE, "path: /a, authRequired: false", "authRequired: false", "access: optional"),
        route(SOURCE, "path: /a, public: true", "public: true", "access: public"),
        route(SOURCE, "path: /a, public: false", "public: false", "access: authenticated"),
        route(SOURCE, "path: /a, authenticated: true", "authenticated: true", "access: authenticated"),
        route(SOURCE, "path: /a, authenticated: false", "authenticated: false", "access: public"),
        route(SOURCE, "path: /a, anonymous: true", "anonymous: true", "access: optional"),
        route(SOURCE, "path: /a, requiredScopes: 'x y'", "requiredScopes: 'x y'", "scopes: [x, y]"),
        route(SOURCE, "path: /a, requiredScopes: 7", "requiredScopes: 7", "scopes: [read:messages]"),
        route(SOURCE, "path: /a, scopeIncludesAny: 'x y'", "scopeIncludesAny: 'x y'", "scopes: { any: [x, y] }"),
        route(
            SOURCE,
            "path: /a, scopeIncludesAny: 7",
            "scopeIncludesAny: 7",
            "scopes: { any: [read:messages, admin:messages] }",
        ),
        route(SOURCE, "path: /a, claimEquals: x", "claimEquals: x", "claims: { org_id: { equals: org_42 } }"),
        route(SOURCE, "path: /a, claimIncludes: x", "claimIncludes: x", "claims: { groups: { includes: [staff] } }"),
        route(SOURCE, "path: /a, claimCheck: x", "claimCheck: x", "claims: { level: { in: [1, 2] } }"),
        route(SOURCE, "prefix: /orders, access: public", "prefix: /orders", "path: /orders/**"),
        route(SOURCE, "prefix: /orders/, access: public", "prefix: /orders/", "path: /orders/**"),
        route(SOURCE, "prefix: /, access: authenticated", "prefix: /", "path: /**"),
        route(SOURCE, "prefix: 7, access: public", "prefix: 7", "path: /api/**"),
        route(SOURCE, "path_prefix: /orders, access: public", "path_prefix: /orders", "path: /orders/**"),
        route(SOURCE, "pathPrefix: 7, access: public", "pathPrefix: 7", "path: /api/**"),
        route(SOURCE, "match: { prefix: /orders }, access: public", "match: { prefix: /orders }", "path: /orders/**"),
        route(SOURCE, "match: { path: /orders }, access: public", "match: { path: /orders }", "path: /orders"),
        route(SOURCE, "match: 7, access: public", "match: 7", "path: /api/**"),
        route(SOURCE, "path: /a, groups: [x]", "groups: [x]", "claims: { groups: { includes: [x] } }"),
        route(SOURCE, "path: /a, groups: 7", "groups: 7", "claims: { groups: { includes: [staff] } }"),
        route(SOURCE, "path: /a, permissions: [x, y]", "permissions: [x, y]", "scopes: [x, y]"),
        route(SOURCE, "path: /a, permissions: 7", "permissions: 7", "scopes: [read:messages]"),
        route(SOURCE, "path: /a, roles: boss", "roles: boss", "scopes: [boss]"),
        route(SOURCE, "path: /a, roles: 7", "roles: 7", "scopes: [admin]"),
        top(
            SOURCE,
            "identity: { claim_to_headers: [a] }",
            "claim_to_headers: [a]",
            "headers: { subject: x-auth-subject }",
        ),
        whole(SOURCE, "rules: [{ path: /a, access: public }]", "rules", "routes"),
    ]
}

fn providers() -> Vec<Case> {
    let provider = |issuer: &str, from, to| {
        let source = "config/lint/provider.rs";
        self::issuer(source, &format!("issuer: '{issuer}', audiences: ['https://a.example']"), from, to)
    };
    vec![
        provider("https://sts.windows.net", "windows.net", "windows.net/8eaef023-2b34-4da1-9baa-8bc8c9d6a490/"),
        provider(
            &format!("https://login.microsoftonline.com/{TID}"),
            "/login.microsoftonline.com/8eaef023-2b34-4da1-9baa-8bc8c9d6a490",
            "/sts.windows.net/8eaef023-2b34-4da1-9baa-8bc8c9d6a490/",
        ),
        provider(
            "https://login.microsoftonline.com",
            "microsoftonline.com",
            "microsoftonline.com/8eaef023-2b34-4da1-9baa-8bc8c9d6a490/v2.0",
        ),
        provider("https://cognito-idp.eu-west-1.amazonaws.com", "amazonaws.com", "amazonaws.com/eu-west-1_abc"),
        provider(
            "https://x.auth.eu-west-1.amazoncognito.com",
            "https://x.auth.eu-west-1.amazoncognito.com",
            "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_abc",
        ),
        provider("https://login.microsoftonline.com/common/v2.0", "common", "8eaef023-2b34-4da1-9baa-8bc8c9d6a490"),
    ]
}

fn lint() -> Vec<Case> {
    let named = |issuer: &str, from, to| {
        let source = "config/lint/issuer.rs";
        self::issuer(source, &format!("issuer: '{issuer}', audiences: ['https://a.example']"), from, to)
    };
    vec![
        named("https://dev-1.okta.com", "okta.com", "okta.com/oauth2/default"),
        named("https://t.eu.auth0.com/.well-known/openid-configuration", ".well-known/openid-configuration", ""),
        named(
            "https://i.example/a/.well-known/openid-configuration",
            "https://i.example/a/.well-known/openid-configuration",
            "https://i.example/a",
        ),
        named("https://t.eu.auth0.com", "auth0.com", "auth0.com/"),
        issuer(
            "config/lint/audience.rs",
            &format!("issuer: 'https://login.microsoftonline.com/{TID}/v2.0', audiences: ['api://x']"),
            "'api://x'",
            "6e74172b-be56-4843-9ff4-e66a39bb12e3",
        ),
        whole(
            "config/lint/audience.rs",
            "issuers:\n- { issuer: 'https://i.example/', audiences: ['https://a.example'] }\n- { issuer: 'https://j.example/', audiences: ['https://a.example/'] }\nroutes: [{ path: /a, scopes: [a] }]\n",
            "['https://a.example/']",
            "['https://a.example']",
        ),
        route(
            "config/lint/claims.rs",
            "path: /a, claims: { roles: { equals: boss } }",
            "equals: boss",
            "includes: [boss]",
        ),
        whole(
            "config/lint/gate.rs",
            "issuers: [{ issuer: 'https://i.example/', audiences: [a] }]\nroutes: [{ path: /a, host: i.example, scopes: [a] }]\n",
            "routes",
            "ready: started\nroutes",
        ),
        route("config/lint/placeholder.rs", "path: /a, audiences: [a], claims: { c: { equals: a*b } }", "a*b", "ab"),
        route("config/lint/placeholder.rs", "path: /a, claims: { c: { equals: YOUR_ORG } }", "YOUR_ORG", "acme"),
        issuer("config/lint/placeholder.rs", "issuer: '$ISSUER', audiences: [a]", "$ISSUER", "https://i.example/"),
        route("config/lint/placeholder.rs", "path: /a, claims: { c: { equals: $ORG } }", "$ORG", "acme"),
        route("config/lint/scope.rs", "path: /a, scopes: ['x,y']", "['x,y']", "[x, y]"),
        route("config/lint/scope.rs", "path: /a, scopes: ['*']", "scopes: ['*']", "access: authenticated"),
        whole(
            "config/lint/scope.rs",
            &format!(
                "issuers: [{{ issuer: 'https://login.microsoftonline.com/{TID}/v2.0', audiences: [a] }}]\nroutes: [{{ path: /a, scopes: ['api://x/read'] }}]\n"
            ),
            "'api://x/read'",
            "read",
        ),
    ]
}
