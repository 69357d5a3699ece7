//! Values that are still to be filled in.

use portcullis::config::{
    self,
    error::{ConfigErrors, Severity},
};

use crate::env;

const KEYS: &str = "jwks_uri: 'https://k.example/jwks'";

fn found(text: &str, variables: &[(&str, &str)]) -> ConfigErrors {
    match config::parse(text, "portcullis.yaml", &env(variables)) {
        Ok(loaded) => loaded.warnings,
        Err(errors) => errors,
    }
}

/// The only problem: its severity, its name and its help.
fn only(text: &str, variables: &[(&str, &str)]) -> (Severity, String, String) {
    let problems = found(text, variables);
    let all: Vec<_> = problems.problems().collect();
    let [only] = all.as_slice() else { panic!("{text}\n{}", problems.render(false, 100)) };
    let lint = only.kind().map(|lint| lint.name().to_owned()).unwrap_or_default();
    (only.severity(), lint, only.help_text().unwrap_or_default().to_owned())
}

#[test]
fn no_placeholder_passes_anywhere() {
    let placeholders =
        ["${X_Y}", "$X_Y", "$(X)", "{{ x }}", "%X_Y%", "__X__", "{x}", "<x>", "YOUR_X", "your-x", "CHANGE_ME", "a*.b"];
    let fields: [&dyn Fn(&str) -> String; 8] = [
        &|x| format!("issuers: [{{ issuer: '{x}', audiences: [a], {KEYS} }}]\nroutes: [{{ path: /a, scopes: [a] }}]"),
        &|x| format!("issuers: [{{ issuer: i, audiences: ['{x}'], {KEYS} }}]\nroutes: [{{ path: /a, scopes: [a] }}]"),
        &|x| {
            let keys = format!("jwks_uri: 'https://k.example/{x}'");
            format!("issuers: [{{ issuer: i, audiences: [a], {keys} }}]\nroutes: [{{ path: /a, scopes: [a] }}]")
        },
        &|x| {
            format!(
                "issuers: [{{ issuer: i, audiences: [a], clients: ['{x}'], {KEYS} }}]\nroutes: [{{ path: /a, scopes: [a] }}]"
            )
        },
        &|x| {
            let claims = format!("claims: {{ org: {{ equals: '{x}' }} }}");
            format!("issuers: [{{ issuer: i, audiences: [a], {KEYS} }}]\nroutes: [{{ path: /a, {claims} }}]")
        },
        &|x| {
            let claims = format!("claims: {{ org: {{ includes: [b, '{x}'] }} }}");
            format!(
                "issuers: [{{ issuer: i, audiences: [a], {KEYS}, {claims} }}]\nroutes: [{{ path: /a, scopes: [a] }}]"
            )
        },
        &|x| {
            let claims = format!("claims: {{ '{x}': {{ present: true }} }}");
            format!("issuers: [{{ issuer: i, audiences: [a], {KEYS} }}]\nroutes: [{{ path: /a, {claims} }}]")
        },
        &|x| {
            format!(
                "issuers: [{{ issuer: i, audiences: [a], {KEYS} }}]\npolicies: {{ p: {{ audiences: [a], issuers: [i], claims: {{ c: {{ in: ['{x}'] }} }} }} }}"
            )
        },
    ];
    for placeholder in placeholders {
        for field in fields {
            let text = field(placeholder);
            let problems = found(&text, &[]);
            let is_said = problems.problems().any(|one| one.kind().is_some_and(|lint| lint.name() == "placeholder"));
            assert!(is_said, "{text}\n{}", problems.render(false, 100));
        }
        let scoped = format!(
            "issuers: [{{ issuer: i, audiences: [a], {KEYS} }}]\nroutes: [{{ path: /a, scopes: ['{placeholder}'] }}]"
        );
        // A star, a blank or a comma in a scope has words of its own.
        let problems = found(&scoped, &[]);
        assert!(placeholder == "a*.b" || !problems.is_empty(), "{scoped}");
    }
}

#[test]
fn what_cannot_be_fetched_or_read_is_an_error_that_says_why() {
    let file = |issuer: &str| format!("issuers: [{{ {issuer} }}]\nroutes: [{{ path: /a, scopes: [a] }}]");
    for (issuer, variable) in [
        ("issuer: 'https://${IDP_HOST}/x', audiences: [a]", "PORTCULLIS_ISSUERS__0__ISSUER"),
        ("issuer: '${ISSUER_URL}', audiences: [a]", "PORTCULLIS_ISSUERS__0__ISSUER"),
        ("issuer: i, audiences: [a], jwks_uri: 'https://%HOST%/x'", "PORTCULLIS_ISSUERS__0__JWKS_URI"),
        ("issuer: i, audiences: [a], jwks_uri: 'https://$HOST/x'", "PORTCULLIS_ISSUERS__0__JWKS_URI"),
        ("issuer: i, audiences: [a], discovery_url: 'https://${H}.example/x'", "PORTCULLIS_ISSUERS__0__DISCOVERY_URL"),
        ("issuer: 'https://i.example', audiences: [a], proxy: 'http://${PROXY}:3128'", "PORTCULLIS_ISSUERS__0__PROXY"),
    ] {
        let (severity, lint, help) = only(&file(issuer), &[]);
        assert_eq!((severity, lint.as_str()), (Severity::Error, "placeholder"), "{issuer}");
        assert!(help.contains("variables are not expanded") && help.contains(variable), "{issuer}: {help}");
        // What is said to be there does it.
        let (plain, value) =
            (file(issuer), if issuer.contains("proxy") { "http://p.example:1" } else { "https://x.example/" });
        assert!(found(&plain, &[(variable, value)]).is_empty(), "{issuer}");
    }
    let (severity, lint, help) = only("listen: { grpc: '${GRPC}' }\nroutes: [{ path: /a, access: public }]", &[]);
    assert_eq!((severity, lint.as_str()), (Severity::Error, "placeholder"));
    assert!(help.contains("`PORTCULLIS_LISTEN__GRPC`"), "{help}");
}

#[test]
fn hosts_that_no_server_can_have_are_errors() {
    for host in ["{x}", "a{b}.example", "a$b", "a..b", ".a", "a~b", "(a)", "a'b", "a,b", "a!b"] {
        let text = format!(
            "issuers: [{{ issuer: i, audiences: [a], jwks_uri: \"https://{host}/x\" }}]\nroutes: [{{ path: /a, scopes: [a] }}]"
        );
        let problems = found(&text, &[]);
        let said = problems.errors().next().unwrap_or_else(|| panic!("{host} passes")).message();
        assert!(said.contains(&format!("a host that no server can have, `{host}`")), "{said}");
    }
    for host in [
        "a.example",
        "a_b.example",
        "xn--bcher-kva.example",
        "bücher.example",
        "a.example.",
        "192.0.2.1",
        "[2001:db8::1]:8443",
    ] {
        let text = format!(
            "issuers: [{{ issuer: i, audiences: [a], jwks_uri: \"https://{host}/x\" }}]\nroutes: [{{ path: /a, scopes: [a] }}]"
        );
        assert!(found(&text, &[]).is_empty(), "{host}");
    }
}

#[test]
fn what_a_variable_holds_is_not_expanded_either() {
    let variables = [("PORTCULLIS_ISSUER", "https://i.example/${X}"), ("PORTCULLIS_AUDIENCE", "$(AUD)")];
    let loaded = config::load(None, &env(&variables)).unwrap();
    let said: Vec<_> = loaded.warnings.problems().map(|one| (one.variable(), one.kind().unwrap().name())).collect();
    assert_eq!(said, [(Some("PORTCULLIS_ISSUER"), "placeholder"), (Some("PORTCULLIS_AUDIENCE"), "placeholder")]);
    assert!(loaded.warnings.render(false, 200).contains("variables are not expanded in variables"));
}

#[test]
fn values_that_only_look_like_some_are_left_alone() {
    for text in [
        "issuers: [{ issuer: https://a.example/%C3%A4, audiences: ['urn:x', 'api://a', 'costs 5$'] }]",
        "issuers: [{ issuer: i, audiences: [a], jwks_uri: 'https://k.example/x', claims: { perms: { includes: ['*'] } } }]",
    ] {
        let problems =
            found(&format!("{text}\nroutes: [{{ path: '/a/{{id}}/**', host: '*.example.com', scopes: [a] }}]"), &[]);
        assert!(problems.is_empty(), "{}", problems.render(false, 100));
    }
}

#[test]
fn what_excerpts_hide_is_not_named() {
    let issuer = "issuer: 'https://i.example/', audiences: [a]";
    for field in [
        "jwks_uri: 'https://h.example/x?apikey={SeKr}'",
        "jwks_uri: 'https://h.example/x?apikey=$SeKr'",
        "jwks_uri: 'https://h.example/x#${SeKr}'",
        "proxy: 'http://u:{SeKr}@h.example:1/'",
        "secret_file: 'pa${SeKr}'",
        "secret_env: 'pa${SeKr}'",
        "jwks_file: '{\"keys\":[{\"kty\":\"oct\",\"k\":\"${SeKr}\"}]}'",
        "public_key_file: '-----BEGIN ${SeKr}'",
        "claims: { a: { equals: 'Bearer {SeKr}' } }",
        "password: 'hunter*SeKr'",
        "secret: 'pa${SeKr}'",
        "headers: { authorization: 'Bearer {SeKr}' }",
        "hmac: { a: 'x*SeKr' }",
        "jwks: '{\"keys\":[{\"kty\":\"oct\",\"k\":\"SeKr<x>\"}]}'",
    ] {
        let text = format!("issuers: [{{ {issuer}, {field} }}]\nroutes: [{{ path: /a, scopes: [a] }}]");
        let problems = found(&text, &[]);
        let shown = problems.render(false, 200);
        assert!(!problems.is_empty() && !shown.contains("SeKr"), "{field}\n{shown}");
    }
}

#[test]
fn nothing_is_said_of_what_stands_below_unknown_fields() {
    for text in [
        "static_resources: { listeners: [{ address: '${HOST}', regex: '<x>' }] }\nroutes: [{ path: /a, access: public }]",
        "routes: [{ path: /a, access: public, regex: '^/a.*$' }]",
        "routes: [{ path: /a, access: public, match: { prefix: '{x}' } }]",
    ] {
        let problems = found(text, &[]);
        let said: Vec<_> = problems.problems().filter(|one| one.kind().is_some()).collect();
        assert!(problems.has_errors() && said.is_empty(), "{}", problems.render(false, 100));
    }
    let envoy = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/envoy/envoy.yaml")).unwrap();
    let problems = found(&envoy, &[]);
    assert_eq!(problems.problems().count(), 1, "{}", problems.render(false, 100));
}
