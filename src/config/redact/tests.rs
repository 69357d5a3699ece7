use super::*;
use crate::document::parse::parse;

fn shown(text: &str) -> String {
    let root = parse(text).ok();
    let shown = masked(text, root.as_ref());
    assert_eq!(shown.len(), text.len());
    String::from_utf8(shown).unwrap()
}

#[test]
fn no_secret_is_shown_however_it_is_written() {
    for text in [
        "jwks_uri: https://user:hunter2@keys.example/jwks",
        "jwks_uri: https://user:x/hunter2@keys.example/jwks",
        "jwks_uri: https://user:x@hunter2/y@keys.example/jwks",
        "jwks_uri: 'https://user:x hunter2@keys.example/jwks'",
        "jwks_uri: \"https:\\/\\/user:hunter2\\u0040keys.example\"",
        "jwks_uri: https:\\\\user:hunter2@keys.example",
        "issuer: user:hunter2@keys.example",
        "issuer: https://hunter2@keys.example",
        "unknown: [https://user:hunter2@keys.example/]",
        "header: { value: Basic hunter2, key: Authorization }",
        "# https://user:hunter2@keys.example/",
        "# 'https://user:x hunter2@keys.example/'",
        "a: [\njwks_uri: 'https://user:x hunter2@keys.example/jwks'",
        "jwks_uri: 'https://user:x hunter2@keys.example/jwks'\na: \u{1b}",
        "# secret: hunter2",
        "issuer: x # secret: hunter2",
        "secret_env: API # hunter2",
        "# secret: |\n#   hunter2",
        "  # secret:\n  #   - hunter2\n  #   - hunter2",
        "jwks_file: '{\"keys\":[{\"k\":\"hunter2\"}]}'",
        "public_key_file: |\n  -----BEGIN PRIVATE KEY-----\n  hunter2",
        "jwks_file: { keys: [hunter2] }",
        "a: [\njwks_file: '{\"k\":\"hunter2\"}'",
        "a: [\nsecret: hunter2",
        "secret: hunter2",
        "clientSecret: { x: [hunter2] }",
        "a: &x hunter2\nsecret: *x",
        "db_password: |\n  x\n  hunter2\n",
        "api-key: \"\n  hunter2\"",
        "secret_file: hunter2",
        "x: [{ token: 1, a: b }, { token: hunter2 }]",
        "sercet: hunter2",
        "secert_env: hunter2",
        "hmac: hunter2",
        "shared: hunter2",
        "secret_env: { hunter2: 1 }",
        "secret_env: { x: { hunter2: 1 } }",
        "headers: { authorization: Bearer hunter2 }",
        "headers: { x-team: hunter2 }",
        "headers: ['authorization: Bearer hunter2', 'x-api-key: hunter2']",
        "x: bearer hunter2",
        "a: b # the password is hunter2",
        "# hunter2",
        "\t# hunter2",
        "jwks_uri: https://keys.example/jwks?apikey=hunter2",
        "jwks_uri: https://keys.example/jwks?hunter2",
        "jwks_uri: 'https://keys.example/jwks?a=b hunter2'",
        "jwks_uri: \"https://keys.example/jwks\\u003fapikey=hunter2\"",
        "jwks_uri: https://u:hunter2@keys.example/?a=hunter2",
        "path: /a?access_token=hunter2",
        "x: 'dsn password=hunter2'",
        "x: |\n  -----BEGIN PRIVATE KEY-----\n  hunter2",
        "a: [\njwks_uri: https://keys.example/jwks?apikey=hunter2",
        "a: [\nx: Bearer hunter2",
        "a: [\nb: c # hunter2",
        "jwks_file: eyJhunter2",
    ] {
        assert!(!shown(text).contains("hunter2"), "{}", shown(text));
    }
}

#[test]
fn no_secret_of_other_programs_or_of_broken_files_is_shown() {
    for text in [
        "jwks_uri: https://keys.example/x#hunter2",
        "jwks_uri: \"https://keys.example/x\\u0023hunter2\"",
        "a: [\njwks_uri: https://keys.example/x#hunter2",
        "headers: [\"x-api: hunter2\"]",
        "headers: [x-api=hunter2]",
        "headers: [{ name: x-api, value: hunter2 }]",
        "requestHeaders: [{ name: x-api, stringValue: hunter2 }]",
        "env: [{ name: DB_PASSWORD, value: hunter2 }]",
        "environment: ['TEAM=hunter2']",
        "x: [{ name: DB_PASSWORD, value: hunter2 }]",
        "jwk: { kty: oct, k: hunter2 }",
        "x: { kty: RSA, d: hunter2, p: hunter2, q: hunter2, dp: hunter2, dq: hunter2, qi: hunter2 }",
        "x: { oth: [{ r: hunter2 }] }",
        "x: '{\"keys\":[{\"kty\":\"oct\",\"k\":\"hunter2\"}]}'",
        "basic_auth: user:hunter2",
        "otp: hunter2",
        "webhook: https://hooks.example/hunter2",
        "cert: hunter2",
        "a: [\n? secret\n: hunter2",
        "a: [\n? \"secret\" # x\n\n: |\n  hunter2",
        "{ \"a\": [,\n\"secret\":\n\"hunter2\"",
        "{ \"a\": [,\n\"secret\":\n\n  # x\n\"hunter2\"",
        "{ \"a\": [,\n\"secret\"\n: \"hunter2\"",
        "{ \"a\": ],\n\"secret\": [\n\"hunter2\",\n\"hunter2\"\n]",
        "a: [\nk: hunter2",
    ] {
        assert!(!shown(text).contains("hunter2"), "{}", shown(text));
    }
}

#[test]
fn everything_else_is_shown() {
    for text in [
        "issuer: https://a.example/x@y",
        "max_token_age: 5s\njwks_uri: https://a.example/keys",
        "claims: { token_use: { equals: access } }",
        "headers: { subject: x-auth-subject, client_id: none }",
        "secret_env: PARTNER_SECRET",
        "path: /token:introspect",
        "path: /search?",
        "path: /@me",
        "header: { value: x-team }",
        "routes: [{ name: local, match: { prefix: / } }]",
        "public: true",
        "auth_required: false",
        "policies: { p: { scopes: [a] } }",
        "allowed_headers: [authorization, ':method']",
        "headers: [{ name: ':method', exact_match: GET }]",
    ] {
        assert_eq!(shown(text), text);
    }
    assert_eq!(shown("jwks_uri: https://u:p@a.example/"), "jwks_uri: https://***@a.example/");
    assert_eq!(shown("jwks_uri: https://a.example/?k=v"), "jwks_uri: https://a.example/?***");
    assert_eq!(shown("a: b # c d"), "a: b # ***");
}
