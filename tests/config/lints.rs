//! Each lint: what it says, where, and what it leaves alone.

use std::{collections::BTreeSet, fs, path::Path};

use portcullis::{
    config::{
        self,
        error::{ConfigErrors, Problem, Severity},
        lint::Lint,
    },
    limits,
};

use crate::{env, parse};

const ISSUER: &str = "issuers: [{ issuer: https://i.example/, audiences: [a] }]\n";
const ROUTES: &str = "routes: [{ path: /**, access: authenticated }]\n";

fn found(text: &str) -> ConfigErrors {
    match parse(text) {
        Ok(loaded) => loaded.warnings,
        Err(errors) => errors,
    }
}

/// The warnings of a file that has no errors, as `lint: underlined text`.
fn warnings(text: &str) -> Vec<String> {
    let loaded = parse(text).unwrap_or_else(|errors| panic!("{}", errors.render(false, 120)));
    let shown = |problem: &Problem| {
        let place = problem.places()[0];
        format!("{}: {}", problem.kind().unwrap(), text.get(place.offset..place.offset + place.length).unwrap())
    };
    loaded.warnings.problems().map(shown).collect()
}

fn issuer(fields: &str) -> String {
    format!("{ROUTES}issuers: [{{ {fields} }}]")
}

fn routes(routes: &str) -> String {
    format!("{ISSUER}routes:\n{routes}\n")
}

#[test]
fn each_route_that_takes_encoded_slashes_is_said() {
    let route = |fields: &str| {
        routes(&format!("  - {{ {fields}, encoded_slashes: allow }}\n  - {{ path: /x, access: public }}"))
    };
    for (fields, underlined) in [
        ("path: '/a/{id}', scopes: [s]", "'/a/{id}'"),
        ("path: '/a/{id}', access: public", "'/a/{id}'"),
        ("path: /a/**, access: authenticated", "/a/**"),
        ("path: /a/**, access: public, shadows: true", "/a/**"),
        ("host: h.example, path: /a/**, scopes: [s]", "/a/**"),
    ] {
        assert_eq!(warnings(&route(fields)), [format!("encoded-slashes: {underlined}")], "{fields}");
    }
    let help = |text: &str| {
        found(text).problems().map(|problem| problem.help_text().unwrap_or_default().to_owned()).collect::<Vec<_>>()
    };
    let lone = help(&route("path: '/a/{id}', scopes: [s]"));
    assert!(lone[0].contains("add a route for `/a/{id}/**`"), "{lone:?}");
    let covered =
        routes("  - { path: '/a/{id}', scopes: [s], encoded_slashes: allow }\n  - { path: '/a/{id}/**', scopes: [s] }");
    assert!(help(&covered)[0].contains("keeps `%2F` as it is"), "{:?}", help(&covered));
    let refused = routes("  - { path: '/a/{id}', scopes: [s], encoded_slashes: refuse }");
    assert_eq!(warnings(&refused), Vec::<String>::new());
    let open = found(&route("path: /a/**, access: public"));
    let kinds: Vec<_> = open.problems().map(|problem| (problem.kind(), problem.severity())).collect();
    assert_eq!(kinds, [(Some(Lint::EncodedSlashes), Severity::Error)]);
}

#[test]
fn issuers_that_no_token_names_are_said_with_the_right_name() {
    let tid = "8eaef023-2b34-4da1-9baa-8bc8c9d6a490";
    for (wrong, right) in [
        ("https://tenant.eu.auth0.com", "https://tenant.eu.auth0.com/"),
        ("https://tenant.eu.auth0.com/oauth/token", "https://tenant.eu.auth0.com/"),
        ("https://tenant.eu.auth0.com/.well-known/openid-configuration", "https://tenant.eu.auth0.com/"),
        ("https://i.example/a/.well-known/oauth-authorization-server", "https://i.example/a"),
        ("https://login.microsoftonline.com/common/v2.0", "your tenant's id"),
        ("https://login.microsoftonline.com/organizations/v2.0", "your tenant's id"),
        ("https://login.microsoftonline.com/consumers/v2.0", "your tenant's id"),
        ("https://login.microsoftonline.com/contoso.onmicrosoft.com/v2.0", "your tenant's id"),
        ("https://login.microsoftonline.com/{tenantid}/v2.0", "your tenant's id"),
        (&format!("https://login.microsoftonline.com/{tid}"), &format!("https://sts.windows.net/{tid}/")),
        (
            &format!("https://login.microsoftonline.com/{tid}/v2.0/"),
            &format!("`https://login.microsoftonline.com/{tid}/v2.0`"),
        ),
        (
            &format!("https://login.microsoftonline.com/{tid}/oauth2/v2.0/token"),
            &format!("`https://login.microsoftonline.com/{tid}/v2.0`"),
        ),
        (&format!("https://sts.windows.net/{tid}"), &format!("`https://sts.windows.net/{tid}/`")),
        ("https://sts.windows.net/common/", "your tenant's id"),
        ("https://dev-1.okta.com/oauth2/default/", "`https://dev-1.okta.com/oauth2/default`"),
        ("https://dev-1.okta.com/oauth2/default/v1/token", "`https://dev-1.okta.com/oauth2/default`"),
        ("https://dev-1.oktapreview.com/oauth2/aus1/v1/authorize", "`https://dev-1.oktapreview.com/oauth2/aus1`"),
        (
            "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Z/",
            "`https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Z`",
        ),
        ("https://shop.auth.eu-west-1.amazoncognito.com", "https://cognito-idp.REGION.amazonaws.com/POOL"),
        ("https://accounts.google.com/", "`https://accounts.google.com`"),
        ("https://sso.example.com/realms/main/", "`https://sso.example.com/realms/main`"),
        (
            "https://sso.example.com/auth/realms/main/protocol/openid-connect",
            "`https://sso.example.com/auth/realms/main`",
        ),
    ] {
        let text = issuer(&format!("issuer: '{wrong}', audiences: [a], audience_claim: client_id"));
        assert_eq!(warnings(&text), [format!("issuer-mismatch: '{wrong}'")], "{wrong}");
        let help = found(&text).problems().next().unwrap().help_text().unwrap().to_owned();
        assert!(help.contains(right), "{wrong}: {help}");
    }
}

#[test]
fn issuers_that_can_be_right_are_left_alone() {
    let tid = "8eaef023-2b34-4da1-9baa-8bc8c9d6a490";
    for name in [
        "https://tenant.eu.auth0.com/",
        "https://auth.example.com",
        "https://auth.example.com/",
        "https://notauth0.com",
        "https://auth0.com.example",
        &format!("https://login.microsoftonline.com/{tid}/v2.0"),
        &format!("https://sts.windows.net/{tid}/"),
        "https://dev-1.okta.com/oauth2/default",
        "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Z",
        "https://accounts.google.com",
        "https://sso.example.com/realms/main",
        "https://sso.example.com/auth/realms/main",
        "https://am.example.com/am/oauth2/realms/root/realms/alpha/",
        "https://sso.example.com/realms/main/else/",
        "https://securetoken.google.com/project",
        "https://tenant.b2clogin.com/te/v2.0/",
    ] {
        let text = issuer(&format!("issuer: '{name}', audiences: [a], audience_claim: client_id"));
        assert_eq!(warnings(&text), [""; 0], "{name}");
    }
}

#[test]
fn metadata_of_another_issuer_is_said() {
    let tid = "8eaef023-2b34-4da1-9baa-8bc8c9d6a490";
    let v2 = format!("https://login.microsoftonline.com/{tid}/v2.0");
    let v1 = format!("https://sts.windows.net/{tid}/");
    let wrong = [
        ("https://login.example.com/", "https://tenant.eu.auth0.com/"),
        ("https://a.eu.auth0.com/", "https://b.eu.auth0.com/.well-known/openid-configuration"),
        (&v2, &format!("https://login.microsoftonline.com/{tid}/.well-known/openid-configuration")),
        (&v2, "https://login.microsoftonline.com/common/v2.0/.well-known/openid-configuration"),
        (&v1, &v2),
        ("https://i.example", "https://accounts.google.com"),
    ];
    let right = [
        (v1.as_str(), format!("https://login.microsoftonline.com/{tid}/.well-known/openid-configuration")),
        (&v2, format!("{v2}/.well-known/openid-configuration")),
        ("https://a.eu.auth0.com/", "https://a.eu.auth0.com".to_owned()),
        ("https://accounts.google.com", "https://accounts.google.com/.well-known/openid-configuration".to_owned()),
        ("https://login.example.com/", "https://dev-1.okta.com/oauth2/default".to_owned()),
        ("https://sso.example.com/realms/a", "https://keycloak.internal/realms/a".to_owned()),
        ("https://i.example/", "https://inside.example/".to_owned()),
    ];
    for (name, url) in wrong {
        let text = issuer(&format!("issuer: '{name}', audiences: [a], discovery_url: '{url}'"));
        assert_eq!(warnings(&text), [format!("issuer-mismatch: '{url}'")], "{name}");
    }
    for (name, url) in right {
        let text = issuer(&format!("issuer: '{name}', audiences: [a], discovery_url: '{url}'"));
        assert_eq!(warnings(&text), [""; 0], "{name} {url}");
    }
}

#[test]
fn issuers_whose_keys_come_from_a_host_of_the_routes_are_said() {
    let with = |more: &str, host: &str, fields: &str| {
        format!(
            "{more}routes: [{{ host: '{host}', path: /**, access: authenticated }}]\n\
             issuers: [{{ audiences: [a], {fields} }}]"
        )
    };
    let (name, elsewhere) = ("issuer: 'https://login.example.com/'", "issuer: 'https://i.example/'");
    for (host, fields, said) in [
        ("login.example.com", name.to_owned(), "'https://login.example.com/'"),
        (
            "LOGIN.example.com.",
            "issuer: 'https://Login.example.com:8443/realms/a'".to_owned(),
            "'https://Login.example.com:8443/realms/a'",
        ),
        (
            "keys.example.com",
            format!("{elsewhere}, jwks_uri: 'https://keys.example.com/jwks'"),
            "'https://keys.example.com/jwks'",
        ),
        (
            "keys.example.com",
            format!("{elsewhere}, discovery_url: 'https://keys.example.com/'"),
            "'https://keys.example.com/'",
        ),
        ("[::1]", "issuer: 'http://[0::1]:9000/'".to_owned(), "'http://[0::1]:9000/'"),
    ] {
        assert_eq!(warnings(&with("", host, &fields)), [format!("issuer-behind-gate: {said}")], "{host} {fields}");
        assert_eq!(warnings(&with("ready: started\n", host, &fields)), [""; 0], "{fields}: it is what the help says");
        assert_eq!(warnings(&with("ready: keys\n", host, &fields)).len(), 1, "{fields}");
    }
    for (host, fields) in [
        ("api.example.com", name.to_owned()),
        // Providers often have a name beside those of the API.
        ("*.example.com", name.to_owned()),
        ("login.example.com", format!("{name}, jwks_uri: 'https://keys.example.com/jwks'")),
        ("login.example.com", format!("{name}, discovery_url: 'https://inside.example/'")),
        ("login.example.com", format!("{name}, secret_env: PARTNER_SECRET, algorithms: [HS256]")),
    ] {
        let found = found(&with("", host, &fields));
        let is_said = found.problems().any(|problem| problem.kind() == Some(Lint::IssuerBehindGate));
        assert!(!is_said, "{host} {fields}");
    }
    let loaded = parse(&with("", "login.example.com", name)).unwrap();
    let [warning] = loaded.warnings.problems().collect::<Vec<_>>()[..] else { panic!("one warning") };
    assert!(warning.help_text().unwrap().contains("write `ready: started`"), "{warning:?}");
    assert_eq!(warning.places().len(), 2, "the route as well");
}

#[test]
fn audiences_that_tokens_do_not_have_or_share_are_said() {
    let tid = "8eaef023-2b34-4da1-9baa-8bc8c9d6a490";
    let (v1, v2) = (format!("https://sts.windows.net/{tid}/"), format!("https://login.microsoftonline.com/{tid}/v2.0"));
    let pool = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Z";
    for (issuer_name, audience, lint) in [
        ("https://i.example/", "account", Some("shared-audience")),
        ("https://t.eu.auth0.com/", "https://t.eu.auth0.com/userinfo", Some("shared-audience")),
        ("https://t.eu.auth0.com/", "https://api.example.com/userinfo", None),
        (&v2, "api://x", Some("entra-audience")),
        (&v1, "api://x", None),
        (&v2, "6e74172b-be56-4843-9ff4-e66a39bb12e3", None),
        (&v2, "00000003-0000-0000-c000-000000000000", Some("entra-audience")),
        (&v1, "https://graph.microsoft.com", Some("entra-audience")),
        (pool, "1h57kf5cpq17m0eml12example", Some("cognito-audience")),
        (pool, "https://api.example.com", None),
    ] {
        let text = issuer(&format!("issuer: '{issuer_name}', audiences: ['{audience}']"));
        let expected: Vec<String> = lint.iter().map(|lint| format!("{lint}: '{audience}'")).collect();
        assert_eq!(warnings(&text), expected, "{issuer_name} {audience}");
    }
    let both = issuer(&format!("issuer: '{v2}', audiences: ['api://x', 6e74172b-be56-4843-9ff4-e66a39bb12e3]"));
    assert_eq!(warnings(&both), [""; 0]);
}

#[test]
fn audiences_that_differ_in_a_slash_or_in_case_are_said() {
    let two = |one: &str, two: &str| {
        format!(
            "{ROUTES}issuers: [{{ issuer: 'https://i.example', audiences: [{one}] }}, {{ issuer: 'https://j.example', audiences: [{two}] }}]"
        )
    };
    assert_eq!(
        warnings(&two("https://api.example", "https://api.example/")),
        ["audience-spelling: https://api.example/"]
    );
    assert_eq!(warnings(&two("API", "api")), ["audience-spelling: api"]);
    for (one, other) in [
        ("https://api.example", "https://api.example"),
        ("https://api.example", "https://api.example/v2"),
        ("https://api.example", "'https://api.example', 'https://api.example/'"),
        ("'https://api.example', 'https://api.example/'", "https://api.example/"),
    ] {
        assert_eq!(warnings(&two(one, other)), [""; 0], "{one} {other}");
    }
}

#[test]
fn scopes_that_tokens_do_not_have_are_said() {
    let twice = "  - { path: /a, scopes: [read:messages] }\n  - { path: /b, scopes: [read:messages] }\n";
    for (scope, lint) in [
        ("read:mesages", Some("scope-spelling")),
        ("Read:messages", Some("scope-spelling")),
        ("write:messages", None),
        ("read:threads", None),
        ("'read:*'", Some("scope-syntax")),
        ("'*'", Some("scope-syntax")),
        ("'read,write'", Some("scope-syntax")),
        ("a*b", None),
        ("api://x/read", None),
        ("https://www.googleapis.com/auth/drive", None),
    ] {
        let text = routes(&format!("{twice}  - {{ path: /c, scopes: {{ any: [{scope}] }} }}"));
        let expected: Vec<String> = lint.iter().map(|lint| format!("{lint}: {scope}")).collect();
        assert_eq!(warnings(&text), expected, "{scope}");
    }
}

#[test]
fn scopes_as_clients_of_entra_ask_for_them_are_said() {
    let entra = "https://sts.windows.net/8eaef023-2b34-4da1-9baa-8bc8c9d6a490/";
    let with = |issuers: &str| {
        format!(
            "issuers: [{issuers}]\nroutes: [{{ path: /a, scopes: ['api://x/read'] }}, {{ path: /b, scopes: [read] }}]"
        )
    };
    let only = format!("{{ issuer: '{entra}', audiences: [a] }}");
    assert_eq!(warnings(&with(&only)), ["entra-scope: 'api://x/read'"]);
    let beside = format!("{only}, {{ issuer: 'https://i.example/', audiences: [a] }}");
    assert_eq!(warnings(&with(&beside)), [""; 0], "the other issuer's tokens may have it");
}

#[test]
fn open_patterns_over_closed_paths_are_said() {
    for (open, closed, is_said) in [
        ("path: /api/**, access: public", "path: /api/x, access: authenticated", true),
        ("path: /api/**, access: optional", "path: /api/x/y/**, scopes: [s]", true),
        ("path: /API/**, access: public", "path: /api, access: authenticated", true),
        ("path: '/{v}/api/**', access: public", "path: '/{version}/api/x', access: authenticated", true),
        ("path: /api/**, access: public", "path: /apis/x, access: authenticated", false),
        ("path: /api/**, access: public", "path: /api/x, access: public", false),
        ("path: /api/public/**, access: public", "path: /api/**, access: authenticated", false),
        (
            "path: /api/**, access: public, host: a.example",
            "path: /api/x, access: authenticated, host: b.example",
            false,
        ),
        (
            "path: /api/**, access: public, methods: [GET]",
            "path: /api/x, access: authenticated, methods: [POST]",
            false,
        ),
        (
            "path: /api/**, access: public, methods: [GET]",
            "path: /api/x, access: authenticated, methods: [GET, POST]",
            true,
        ),
    ] {
        let text = routes(&format!("  - {{ {open} }}\n  - {{ {closed} }}"));
        let said = warnings(&text).iter().any(|warning| warning.starts_with("open-wildcard: "));
        assert_eq!(said, is_said, "{open} {closed}");
    }
    let nearest =
        "  - { path: /a/**, access: public }\n  - { path: /a/b/**, scopes: [s] }\n  - { path: /a/b/c, scopes: [t] }";
    let warning = found(&routes(nearest)).problems().next().unwrap().message().to_owned();
    assert_eq!(warning, "`/a/**` is open, and so is every path below it but `/a/b/**`");
}

#[test]
fn what_nothing_can_meet_is_said() {
    for (claims, is_said) in [
        ("{ org: { equals: a, in: [b, c] } }", true),
        ("{ org: { in: [a, b], includes: [c] } }", true),
        ("{ tid: { equals: other } }", true),
        ("{ iss: { equals: 'https://i.example' } }", true),
        ("{ aud: { equals: b } }", true),
        ("{ org: { equals: a, in: [a, b] } }", false),
        ("{ org: { equals: a, includes: [a], present: true } }", false),
        ("{ tid: { equals: acme } }", false),
        ("{ iss: { equals: 'https://i.example/' } }", false),
        ("{ aud: { in: [a, b] } }", false),
        ("{ aud: { includes: [b] } }", false),
    ] {
        let text = format!(
            "issuers: [{{ issuer: https://i.example/, audiences: [a], claims: {{ tid: {{ in: [acme, acme2] }} }} }}]\n\
             routes: [{{ path: /a, claims: {claims} }}]"
        );
        let said: Vec<bool> = warnings(&text).iter().map(|warning| warning.starts_with("never-met: ")).collect();
        assert_eq!(said, vec![true; usize::from(is_said)], "{claims}");
    }
    let of_issuer = issuer("issuer: https://i.example/, audiences: [a], claims: { org: { equals: a, in: [b] } }");
    assert_eq!(warnings(&of_issuer), ["never-met: org"]);
    let two = "issuers: [{ issuer: https://i.example/, audiences: [a], claims: { tid: { equals: one } } }, \
               { issuer: https://j.example/, audiences: [a] }]\nroutes: [{ path: /a, claims: { tid: { equals: two } } }]";
    assert_eq!(warnings(two), [""; 0], "tokens of the other issuer can have it");
}

#[test]
fn audiences_that_the_issuers_of_a_rule_do_not_have_are_never_met() {
    let with = |rule: &str| {
        format!(
            "issuers: [{{ issuer: https://i.example/, audiences: [a, b] }}, {{ issuer: https://j.example/, audiences: [c] }}]\n\
             routes: [{{ path: /a, {rule} }}]\npolicies: {{ p: {{ {rule} }} }}"
        )
    };
    let never = with("issuers: [https://i.example/], audiences: [c]");
    assert_eq!(warnings(&never), ["never-met: c", "never-met: c"]);
    for rule in ["issuers: [https://i.example/], audiences: [b]", "audiences: [c]", "issuers: [https://j.example/]"] {
        assert_eq!(warnings(&with(rule)), [""; 0], "{rule}");
    }
}

#[test]
fn what_implies_says_is_meant() {
    let with = |implies: &str, scope: &str| {
        format!("implies: {implies}\n{}", routes(&format!("  - {{ path: /a, scopes: ['{scope}'] }}")))
    };
    assert_eq!(warnings(&with("{ 'write:*': ['write:*'] }", "write:*")), [""; 0]);
    assert_eq!(warnings(&with("{ admin: ['write:*'] }", "write:*")).len(), 1, "no token has that");
    assert_eq!(warnings(&with("{ admin: [read:messages] }", "read:mesages")).len(), 1);
    assert_eq!(warnings(&with("{ admin: [read:messages] }", "read:messages")), [""; 0]);
}

#[test]
fn hosts_and_scopes_beyond_limits_are_never_met() {
    let label = "a".repeat(62);
    let host = format!("{label}.{label}.{label}.{label}");
    let text = |host: &str| routes(&format!("  - {{ path: /a, access: authenticated, host: '*.{host}' }}"));
    assert_eq!(warnings(&text(&host)), [""; 0], "251 bytes leave room for one letter and a dot");
    assert_eq!(warnings(&text(&format!("a{host}"))).len(), 1);
    // Each has 15 bytes, and a blank.
    let scopes = |count: usize| {
        let all: Vec<String> = (0..count).map(|n| format!("scope-{n:04}-{n:04}")).collect();
        routes(&format!("  - {{ path: /a, scopes: [{}] }}", all.join(", ")))
    };
    assert_eq!(warnings(&scopes(limits::TOKEN_CLAIMS_BYTES / 16)), [""; 0]);
    assert_eq!(warnings(&scopes(limits::TOKEN_CLAIMS_BYTES / 16 + 1)).len(), 1);
}

#[test]
fn a_default_that_never_decides_is_said() {
    let with = |default: &str, route: &str| format!("{ISSUER}default: {default}\nroutes: [{{ {route} }}]");
    let everything = "path: /**, access: authenticated";
    assert_eq!(warnings(&with("authenticated", everything)), ["never-default: authenticated"]);
    assert_eq!(warnings(&with("deny", everything)), [""; 0]);
    assert_eq!(warnings(&with("authenticated", "path: /a/**, scopes: [s]")), [""; 0]);
    assert_eq!(warnings(&with("authenticated", "path: /**, host: a.example, scopes: [s]")), [""; 0]);
}

#[test]
fn claims_that_are_arrays_or_nested_are_said() {
    for (claims, expected) in [
        ("{ roles: { equals: admin } }", Some("array-claim: roles")),
        ("{ groups: { in: [admin, staff] } }", Some("array-claim: groups")),
        ("{ roles: { includes: [admin] } }", None),
        ("{ role: { equals: admin } }", None),
        ("{ /realm_access/roles: { equals: admin } }", Some("array-claim: /realm_access/roles")),
        ("{ 'https://api.example/roles.of.user': { includes: [admin] } }", None),
    ] {
        let text = routes(&format!("  - {{ path: /a, claims: {claims} }}"));
        assert_eq!(warnings(&text), expected.into_iter().collect::<Vec<_>>(), "{claims}");
    }
    let names = issuer("issuer: https://i.example/, audiences: [a], scope_claims: [scope, realm_access.roles]");
    assert_eq!(warnings(&names), ["claim-path: realm_access.roles"]);
}

#[test]
fn warnings_of_a_kind_are_bounded_and_hide_no_error() {
    let many: Vec<String> = (0..57).map(|n| format!("  - {{ path: /a{n}, scopes: ['{n}:*'] }}")).collect();
    let loaded = parse(&routes(&many.join("\n"))).unwrap().warnings;
    assert_eq!((loaded.problems().count(), loaded.count(Severity::Warning)), (20, 57));
    let last = loaded.problems().last().unwrap();
    assert!(last.more() == 37 && last.to_string().ends_with(" (and 37 more like it)"), "{last}");
    assert!(loaded.problems().take(19).all(|problem| problem.more() == 0));

    let kinds = ["scopes: ['*']", "methods: [GTE], scopes: [s]", "claims: { roles: { equals: a } }"];
    let warned: Vec<String> = (0..90).map(|n| format!("  - {{ path: /b{n}, {} }}", kinds[n % 3])).collect();
    let errors = parse(&routes(&format!("{}\n  - {{ path: /c }}", warned.join("\n")))).unwrap_err();
    let rendered = errors.render(false, 100);
    assert!(rendered.contains("a route doesn't say who may use it"), "{rendered}");
    assert!(rendered.contains("and 11 more\n"), "{rendered}");
}

/// What differs in case only is one host, one path to a backend that ignores case, and two scopes.
#[test]
fn case_is_said_wherever_it_makes_a_difference() {
    let kinds =
        |text: &str| -> Vec<&str> { found(text).problems().map(|problem| problem.kind().unwrap().name()).collect() };
    let hosts =
        "  - { path: /a, host: API.example.com, scopes: [s] }\n  - { path: /a, host: api.example.com, scopes: [s] }";
    assert_eq!(kinds(&routes(hosts)), ["same-requests"]);
    let paths = "  - { path: /A, scopes: [s] }\n  - { path: /a, scopes: [s] }";
    assert_eq!(kinds(&routes(paths)), ["one-spelling", "differs-in-case"]);
    let scopes = "  - { path: /a, scopes: [Admin] }\n  - { path: /b, scopes: [admin] }";
    assert_eq!(kinds(&routes(scopes)), ["scope-spelling"]);
}

/// People come from other programs: what they know leads to our field, and to no second error that it is missing.
#[test]
fn names_of_other_programs_lead_to_ours() {
    for (file, help) in [
        (
            issuer("issuerBaseURL: https://t.eu.auth0.com, audiences: [a]"),
            "write `issuer: https://tenant.eu.auth0.com/`",
        ),
        (
            issuer("issuer: https://i.example/, audiences: [a], tokenSigningAlg: RS256"),
            "write a list: `algorithms: [RS256]`",
        ),
        (issuer("issuer: https://i.example/, audiences: [a], secret: sesame"), "write `secret_file` or `secret_env`"),
        (routes("  - { path: /a, requiredScopes: 'a b' }"), "write a list: `scopes: [a, b]`"),
        (routes("  - { path: /a, authRequired: false }"), "write `access: optional`"),
        (routes("  - { prefix: /a, access: public }"), "write `path: /a/**`"),
        (routes("  - { path: /a, roles: [admin] }"), "`scope_claims: [scope, roles]`"),
    ] {
        let errors = parse(&file).unwrap_err();
        let [problem] =
            errors.problems().filter(|problem| problem.severity() == Severity::Error).collect::<Vec<_>>()[..]
        else {
            panic!("{}", errors.render(false, 120))
        };
        assert!(problem.help_text().unwrap().contains(help), "{file}: {problem:?}");
        assert!(!errors.render(false, 120).contains("sesame"), "a secret is never repeated");
    }
}

#[test]
fn allowed_lints_are_left_out_and_errors_are_not() {
    let text = routes("  - { path: /a, scopes: ['*'] }\n  - { path: /A, access: authenticated }");
    let left = found(&text).without(&[Lint::ScopeSyntax, Lint::DiffersInCase]);
    assert_eq!(left.problems().map(|problem| problem.kind().unwrap().name()).collect::<Vec<_>>(), ["differs-in-case"]);
}

/// A false alarm teaches people to look away.
#[test]
fn samples_and_what_the_readme_recommends_give_no_warning() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let sample = fs::read_to_string(root.join("envoy/portcullis.yaml")).unwrap();
    assert_eq!(warnings(&sample), [""; 0]);
    let readme = fs::read_to_string(root.join("README.md")).unwrap();
    let blocks = readme.split("```yaml\n").skip(1).filter_map(|block| block.split_once("```")).map(|(block, _)| block);
    let mut count = 0;
    for block in blocks.filter(|block| block.contains("issuers:\n")) {
        let file = if block.contains("routes:") { block.to_owned() } else { format!("{block}{ROUTES}") };
        assert_eq!(warnings(&file), [""; 0], "{block}");
        count += 1;
    }
    assert!(count >= 10, "{count}");
    for name in ["quickstart.yaml", "aliases.yaml"] {
        let file = fs::read_to_string(root.join("tests/fixtures/config/valid").join(name)).unwrap();
        assert_eq!(warnings(&file), [""; 0], "{name}");
    }
}

/// A warning without a name can't be found in the documentation, nor be allowed.
#[test]
fn every_warning_in_the_source_has_a_name() {
    let mut dirs = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    let mut count = 0;
    while let Some(dir) = dirs.pop() {
        for path in fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                dirs.push(path);
                continue;
            }
            let text = fs::read_to_string(&path).unwrap();
            for (at, _) in text.match_indices("Problem::warning(") {
                let after: String = text.get(at..).unwrap().chars().take(500).collect();
                count += 1;
                assert!(after.contains(".lint(") || after.contains("Problem::lint)"), "{}: {after}", path.display());
            }
        }
    }
    assert!(count >= 20, "{count}");
}

/// Every kind of warning, as it is printed.
#[test]
fn every_lint_reads_well() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/config/lints");
    let (mut seen, mut changed) = (BTreeSet::new(), Vec::new());
    let mut names: Vec<_> = fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.sort();
    for path in names.iter().filter(|path| path.extension().is_some_and(|extension| extension == "yaml")) {
        let text = fs::read_to_string(path).unwrap();
        let problems = match config::parse(&text, "portcullis.yaml", &env(&[])) {
            Ok(loaded) => loaded.warnings,
            Err(errors) => errors,
        };
        seen.extend(problems.problems().filter_map(Problem::kind));
        let rendered = problems.render(false, 100);
        let name = path.with_extension("txt").file_name().unwrap().to_owned();
        let actual = Path::new(env!("CARGO_TARGET_TMPDIR")).join(&name);
        fs::write(&actual, &rendered).unwrap();
        if fs::read_to_string(dir.join(&name)).ok() != Some(rendered) {
            changed.push(actual);
        }
    }
    assert!(changed.is_empty(), "what is printed has changed: compare {} with {changed:?}", dir.display());
    // Those of Envoy's configuration have tests of their own.
    let ours = Lint::ALL.iter().filter(|lint| !lint.name().starts_with("envoy-"));
    // So has this one: no repository keeps the mode of a file.
    let ours = ours.filter(|lint| **lint != Lint::WritableKeyFile);
    let unseen: Vec<_> = ours.filter(|lint| !seen.contains(lint)).collect();
    assert!(unseen.is_empty(), "no fixture shows {unseen:?}");
}

#[test]
fn a_spelling_is_warned_of_where_people_write_it_otherwise() {
    for (path, warned) in [
        ("/API/users", true),
        ("/api/Users", true),
        ("/pkg.Service/Method", false),
        ("/pkg.Service/**", false),
        ("/api/userProfile", false),
        ("/api/users", false),
    ] {
        let errors = found(&routes(&format!("  - {{ path: '{path}', access: authenticated }}")));
        let warns = errors.problems().any(|problem| problem.kind().is_some_and(|lint| lint.name() == "one-spelling"));
        assert_eq!(warns, warned, "{path}");
    }
}

#[test]
fn the_beginning_of_a_field_is_enough_to_know_what_is_meant() {
    let errors = parse("rout: []\n").unwrap_err();
    let said: Vec<_> = errors.problems().map(|problem| (problem.message(), problem.help_text())).collect();
    assert_eq!(said, [("the file has no field `rout`", Some("did you mean `routes`?"))]);
}
