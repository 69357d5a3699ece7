//! Single faults of values, each with its message and without a second one that follows from it.

use portcullis::config::{self, error::Severity};

use crate::{errors_of, parse, problems};

const ISSUERS: &str = "issuers: [{ issuer: https://i.example/, audiences: [a] }]\n";
const ROUTES: &str = "routes: [{ path: /a, access: public }]\n";

/// The one error of a file, without its place.
fn error_of(text: &str) -> String {
    let errors = errors_of(text);
    let [only] = errors.as_slice() else { panic!("{text}\n{errors:#?}") };
    only.split_once(' ').map_or_else(|| only.clone(), |(_, message)| message.to_owned())
}

fn check(cases: &[(&str, &str)], file: impl Fn(&str) -> String) {
    for (case, expected) in cases {
        let said = error_of(&file(case));
        assert!(said.contains(expected), "{case}\n  said: {said}\n  expected: {expected}");
    }
}

#[test]
fn faults_of_listeners() {
    let cases = [
        ("grpc: 9191", "`grpc` must be a string, not a number"),
        ("grpc: ''", "`grpc` is empty"),
        ("grpc:", "`grpc` has no value"),
        ("grpc: 127.0.0.1", "`127.0.0.1` is not an address with a port"),
        ("grpc: 127.0.0.1:99999", "is not an address with a port"),
        ("grpc: '::1:9191'", "is not an address with a port"),
        ("grpc: example.com:9191", "`example.com` is a name"),
        ("grpc: off", "is not an address with a port"),
        ("grpc: unix:p.sock", "is not the place of a socket"),
        ("grpc: 'unix:'", "is not the place of a socket"),
        ("admin: unix:/run/a.sock", "is not an address with a port"),
        ("admin: false", "`admin` must be a string, not a boolean"),
        ("admin: 127.0.0.1:9191", "`grpc` and `admin` both listen on `127.0.0.1:9191`"),
        ("port: 1", "`listen` has no field `port`"),
        ("max_connections: 0", "`max_connections` must be a whole number from 1 to 1000000, not `0`"),
        ("max_connections: 1000001", "must be a whole number from 1 to 1000000, not `1000001`"),
        ("max_connections: 18446744073709551616", "must be a whole number from 1 to 1000000"),
        ("max_connections: -1", "must be a whole number from 1 to 1000000, not `-1`"),
        ("max_connections: 1.5", "must be a whole number from 1 to 1000000, not `1.5`"),
        ("max_connections: many", "must be a whole number from 1 to 1000000, not `many`"),
        ("max_connections: '100'", "must be a whole number from 1 to 1000000"),
        ("max_connections: true", "must be a whole number from 1 to 1000000"),
        ("max_connections: [1]", "must be a whole number from 1 to 1000000"),
        ("max_connections:", "`max_connections` has no value"),
    ];
    check(&cases, |case| format!("{ROUTES}listen: {{ {case} }}"));
    assert_eq!(
        error_of(&format!("{ROUTES}listen: 127.0.0.1:9191")),
        "`listen` must be a section of fields, not a string"
    );
    assert!(parse(&format!("{ROUTES}listen: {{ grpc: 'localhost:9191', admin: '[::1]:9192' }}")).is_ok());
    for most in [1, 16_000, 1_000_000] {
        let loaded = parse(&format!("{ROUTES}listen: {{ max_connections: {most} }}")).unwrap();
        assert_eq!(loaded.config.listen.max_connections, most);
    }
}

#[test]
fn faults_of_sockets() {
    let sockets = [
        ("mode: '0660'", "`grpc` lacks `address`"),
        ("address: unix:p.sock", "`unix:p.sock` is not the place of a socket"),
        ("address: 127.0.0.1:9191, mode: '0660'", "`mode` is for Unix sockets, and `127.0.0.1:9191` is an address"),
        ("address: 127.0.0.1:9191, group: envoy", "`group` is for Unix sockets, and `127.0.0.1:9191` is an address"),
        ("address: 127.0.0.1:9191, port: 1", "`grpc` has no field `port`"),
        ("address: unix:/p, mode: 660", "`mode` must be a string in octal, not the number `660`"),
        ("address: unix:/p, mode: 0660", "`mode` is `0660` without quotes, which other YAML readers take for a number"),
        ("address: unix:/p, mode: 0o660", "`mode` is `0o660` without quotes"),
        ("address: unix:/p, mode: '0999'", "`0999` is not a mode in octal"),
        ("address: unix:/p, mode: 0999", "`0999` is not a mode in octal"),
        ("address: unix:/p, mode: '66'", "`66` is not a mode in octal"),
        ("address: unix:/p, mode: '000660'", "`000660` is not a mode in octal"),
        ("address: unix:/p, mode: rw-rw----", "`rw-rw----` is not a mode in octal"),
        ("address: unix:/p, mode: ''", "`mode` is empty"),
        ("address: unix:/p, mode: true", "`mode` must be a string in octal, not a boolean"),
        ("address: unix:/p, mode: '4660'", "`4660` has more than the permissions of owner, group and others"),
        ("address: unix:/p, mode: '1666'", "`1666` has more than the permissions of owner, group and others"),
        ("address: unix:/p, mode: '0440'", "`0440` does not let Portcullis itself connect"),
        ("address: unix:/p, mode: '0066'", "`0066` does not let Portcullis itself connect"),
        ("address: unix:/p, group: ''", "`group` is empty"),
        ("address: unix:/p, group: 'a:b'", "`a:b` can't be the name of a group"),
        ("address: unix:/p, group: -1", "`group` must be a name or a number from 0 to 4294967294"),
        ("address: unix:/p, group: 4294967295", "`group` must be a name or a number from 0 to 4294967294"),
        ("address: unix:/p, group: '99999999999'", "`group` must be a name or a number from 0 to 4294967294"),
        ("address: unix:/p, group: [envoy]", "`group` must be a string, not a list"),
    ];
    check(&sockets, |case| format!("{ROUTES}listen: {{ grpc: {{ {case} }} }}"));
}

#[test]
fn faults_of_issuers() {
    let cases = [
        ("audiences: [a]", "an issuer lacks `issuer`"),
        ("issuer: '', audiences: [a]", "`issuer` is empty"),
        ("issuer: https://i.example/", "an issuer lacks `audiences`"),
        ("issuer: https://i.example/, audience: [a]", "an issuer has no field `audience`"),
        ("issuer: https://i.example/, audiences: []", "`audiences` is an empty list"),
        ("issuer: https://i.example/, audiences: a", "`audiences` must be a list, not a string"),
        ("issuer: https://i.example/, audiences: [1]", "an item of `audiences` must be a string, not a number"),
        ("issuer: https://i.example/, audiences: [a, a]", "`audiences` has the same item twice"),
        ("issuer: i.example, audiences: [a]", "`i.example` is not a URL"),
        ("issuer: http://i.example, audiences: [a]", "is plain http"),
        ("issuer: 'https://u:p@i.example', audiences: [a]", "`https://…@i.example` has a user name or password"),
        ("issuer: 'https://i.example/#x', audiences: [a]", "has a fragment"),
        ("issuer: 'https://i.example/?x=y', audiences: [a]", "has a query"),
    ];
    check(&cases, |case| format!("{ROUTES}issuers: [{{ {case} }}]"));
    let many: Vec<String> = (0..65).map(|n| format!("{{ issuer: https://{n}.example/, audiences: [a] }}")).collect();
    assert_eq!(error_of(&format!("{ROUTES}issuers: [{}]", many.join(","))), "there are 65 issuers, more than 64");
    assert!(parse(&format!("{ROUTES}issuers: [{}]", many[1..].join(","))).is_ok());
}

#[test]
fn an_issuer_that_is_written_without_its_list_is_shown_whole() {
    let help_of = |text: &str| {
        let errors = config::parse(text, "p.yaml", &crate::env(&[])).unwrap_err();
        errors.problems().map(|problem| problem.help_text().unwrap_or_default().to_owned()).collect::<Vec<_>>()
    };
    for (text, helps) in [
        (
            "issuer: https://i.example/\naudience: a\n",
            vec!["write `issuers: [{ issuer: https://i.example/, audiences: [a] }]`"; 2],
        ),
        ("audiences: ['*', b]\n", vec!["write `issuers: [{ issuer: https://…, audiences: [\"*\", b] }]`"]),
        ("jwks_uri: https://k.example/\n", vec!["write `issuers: [{ issuer: https://…, audiences: [https://…] }]`"]),
        (
            "issuers: https://i.example/\n",
            vec!["write `issuers: [{ issuer: https://i.example/, audiences: [https://…] }]`"],
        ),
        (
            "issuers: [https://i.example/]\n",
            vec!["write `issuers: [{ issuer: https://i.example/, audiences: [https://…] }]`"],
        ),
        (
            "issuers: [{ issuer: https://i.example/, audiences: [a] }]\naudience: a\n",
            vec!["it belongs to one issuer: move it into that item of `issuers`"],
        ),
    ] {
        assert_eq!(help_of(&format!("{text}{ROUTES}")), helps, "{text}");
    }
}

#[test]
fn faults_of_an_issuers_options() {
    let cases = [
        ("jwks_uri: 'https://k.example', jwks_file: k.json", "`jwks_uri` and `jwks_file` both say where the keys are"),
        ("discovery_url: 'https://k.example', secret_file: s", "`discovery_url` and `secret_file` both say"),
        (
            "secret_file: s, jwks_uri: 'https://k.example', algorithms: [RS256, HS256]",
            "`jwks_uri` and `secret_file` both say where the keys are",
        ),
        (
            "jwks_file: f, secret_file: s, jwks_uri: 'https://k.example', discovery_url: 'https://k.example'",
            "`discovery_url`, `jwks_uri`, `jwks_file` and `secret_file` all say where the keys are",
        ),
        ("jwks_uri: 'ftp://k.example/'", "is neither https nor http"),
        ("jwks_uri: keys", "`keys` is not a URL"),
        ("jwks_uri: 'http://k.example/'", "is plain http"),
        (
            "jwks_uri: 'http://169.254.169.254/', allow_http: true",
            "is a link-local address, where cloud metadata services are",
        ),
        ("allow_http: 1", "`allow_http` must be true or false, not `1`"),
        ("strict: on", "`strict` must be true or false, not `on`"),
        ("strict: 'true'", "`strict` must be true or false, not `true`"),
        ("algorithms: [none]", "there is no algorithm `none`"),
        ("algorithms: [NONE]", "there is no algorithm `none`"),
        ("algorithms: [HS256]", "`HS256` doesn't fit this issuer's keys"),
        ("algorithms: [rs256]", "`rs256` is not an algorithm"),
        ("algorithms: [ES256K]", "`ES256K` is not an algorithm"),
        ("algorithms: []", "`algorithms` is an empty list"),
        ("algorithms: RS256", "`algorithms` must be a list, not a string"),
        ("algorithms: [RS256, RS256]", "`algorithms` has the same item twice"),
        ("clock_tolerance: 5", "`clock_tolerance` lacks a unit"),
        ("clock_tolerance: soon", "`soon` is not a duration"),
        ("clock_tolerance: 301s", "`clock_tolerance` is more than 5m"),
        ("max_token_age: 0s", "`max_token_age` is zero"),
        ("max_token_age: never", "`never` is not a duration"),
        ("audience_claim: [aud]", "`audience_claim` must be a string, not a list"),
        ("client_id_claims: azp", "`client_id_claims` must be a list, not a string"),
        ("scope_claims: []", "`scope_claims` is an empty list"),
        ("jwks_url: 'https://k.example/'", "an issuer has no field `jwks_url`"),
    ];
    check(&cases, |case| format!("{ROUTES}issuers: [{{ issuer: https://i.example/, audiences: [a], {case} }}]"));
}

#[test]
fn faults_of_an_issuers_clients_claims_and_files() {
    let cases = [
        ("strict: true, audience_claim: client_id", "`strict` asks for the claim `aud`, and this for another one"),
        ("proxy: 'http://me:12#hunter2@p.example:3128'", "is not the URL of a proxy"),
        ("proxy: 'http://p.example:3128?x'", "is not the URL of a proxy"),
        ("jwks_file: '{\"keys\":[]}'", "`jwks_file` is not the name of a file"),
        ("public_key_file: \"-----BEGIN PRIVATE KEY-----\"", "`public_key_file` is not the name of a file"),
        ("clients: web", "`clients` must be a list, not a string"),
        ("clients: []", "`clients` is an empty list"),
        ("claims: { org: acme }", "the claim `org` needs a test, not just a value"),
        ("claims: { org: {} }", "the claim `org` has no test"),
        ("max_stale: 1m", "`max_stale` is not between 10m and 720h"),
        ("max_stale: 31d", "`max_stale` is not between 10m and 720h"),
        ("proxy: proxy.example", "`proxy.example` is not the URL of a proxy"),
        ("proxy: 'socks5://p.example:1080'", "`socks5://p.example:1080` is not the URL of a proxy"),
        ("proxy: 'http://${PROXY}:3128'", "is not the URL of a proxy"),
        ("jwks_uri: 'https://${IDP_HOST}/keys'", "has a host that no server can have, `${IDP_HOST}`"),
        ("discovery_url: 'https://{tenant}.example/'", "has a host that no server can have"),
        ("proxy: 'http://p.example/path'", "`http://p.example/path` is not the URL of a proxy"),
        ("ca_file: none.pem", "the certificates of `none.pem` can't be used: there is no such file"),
        ("jwks_file: k.json, proxy: 'http://p.example:3128'", "`proxy` is for keys that are fetched"),
        ("public_key_file: k.pem, ca_file: ca.pem", "`ca_file` is for keys that are fetched"),
        ("jwks_file: k.json, public_key_file: k.pem", "`jwks_file` and `public_key_file` both say"),
        ("secret_env: 'open sesame'", "`secret_env` is not the name of a variable"),
        ("secret_env: PORTCULLIS_SECRET", "the variable of a secret can't start with `PORTCULLIS_`"),
        ("secret_env: ABSENT", "the variable `ABSENT` that `secret_env` names is not set"),
    ];
    check(&cases, |case| format!("{ROUTES}issuers: [{{ issuer: https://i.example/, audiences: [a], {case} }}]"));
}

#[test]
fn faults_of_routes() {
    let cases = [
        ("access: public", "a route lacks `path`"),
        ("path: /a", "a route doesn't say who may use it"),
        ("path: /a, access: private", "`access` can't be `private`"),
        ("path: /a, access: true", "`access` must be a string, not a boolean"),
        ("path: /a, access: public, scopes: [a]", "`scopes` asks for a token on a route that doesn't need one"),
        ("path: /a, access: optional, claims: { a: { present: true } }", "`claims` asks for a token on a route"),
        ("path: /a, scopes: []", "`scopes` is an empty list"),
        ("path: /a, scopes: {}", "`scopes` asks for nothing"),
        ("path: /a, scopes: a", "`scopes` must be a list, not a string"),
        ("path: /a, scopes: ['a b']", "`a b` is not one scope"),
        ("path: /a, scopes: ['é']", "`é` is not one scope"),
        ("path: /a, scopes: { any: [] }", "`any` is an empty list"),
        ("path: /a, scopes: { one: [a] }", "`scopes` has no field `one`"),
        ("path: /a, scope: [a]", "a route has no field `scope`"),
        ("path: /a, access: public, methods: []", "`methods` is an empty list"),
        ("path: /a, access: public, methods: GET", "`methods` must be a list, not a string"),
        ("path: /a, access: public, methods: [get]", "`get` is not a method: case counts"),
        ("path: /a, access: public, methods: ['*']", "`*` is not a method"),
        ("path: /a, access: public, methods: ['G T']", "`G T` is not a method"),
        ("path: /a, access: public, methods: [GET, GET]", "`methods` has the same item twice"),
        ("path: a, access: public", "does not start with `/`"),
        ("path: /a, access: public, host: 'h.example:80'", "has a port"),
        ("path: /a, access: public, id: 'a\"b'", "can't be the id of a route"),
        ("path: /a, access: public, id: default", "`default` can't be the id of a route"),
        ("path: /a, access: public, shadows: maybe", "`shadows` must be true or false, not `maybe`"),
        ("path: /a/**, scopes: [a], encoded_slashes: true", "`encoded_slashes` must be"),
        ("path: /a/**, scopes: [a], encoded_slashes: alow", "`encoded_slashes` can't be `alow`"),
        ("path: /a, scopes: [a], encoded_slashes: allow", "does not end in a parameter"),
        ("path: '/a/{x}:go', scopes: [a], encoded_slashes: allow", "does not end in a parameter"),
        ("path: /a/**, access: public, encoded_slashes: allow", "opens everything below it, with `%2F` as data"),
        ("path: /a/**, access: optional, encoded_slashes: allow", "opens everything below it, with `%2F` as data"),
        ("path: '/a/{x}:', access: public", "`{x}:` is not a parameter"),
        ("path: '/a/{x}:{y}', access: public", "`{x}:{y}` is not a parameter"),
        ("path: /a, access: public, path: /b", "`path` is there twice"),
    ];
    check(&cases, |case| format!("{ISSUERS}routes: [{{ {case} }}]"));
    let same = "routes: [{ path: /a, access: public, id: x }, { path: /b, access: public, id: x }]";
    assert_eq!(error_of(same), "`x` is the id of two routes");
    let taken = "routes: [{ path: /a, access: public }, { path: /b, access: public, id: '* /a' }]";
    assert_eq!(error_of(taken), "`* /a` is the id of two routes");
    assert_eq!(error_of(&format!("{ISSUERS}routes: []")), "`routes` is an empty list");
    assert_eq!(error_of(&format!("{ISSUERS}routes: {{}}")), "`routes` must be a list, not a section");
    assert_eq!(error_of("routes: [/a]"), "a route must be a section of fields, not a string");
    assert!(error_of(ISSUERS).contains("the file lacks `routes`"));
}

#[test]
fn faults_of_claims() {
    let cases = [
        ("[a]", "`claims` must be a section of claims, not a list"),
        ("{}", "`claims` asks for nothing"),
        ("{ a: b }", "the claim `a` needs a test, not just a value"),
        ("{ a: 7 }", "the claim `a` must be a section of fields, not a number"),
        ("{ a: {} }", "the claim `a` has no test"),
        ("{ a: { eq: b } }", "the claim `a` has no field `eq`"),
        ("{ a: { equals: [b] } }", "`equals` must be a string, a number or a boolean, not a list"),
        ("{ a: { equals: ~ } }", "`equals` has no value"),
        ("{ a: { equals: no } }", "`no` can be read as text or otherwise"),
        ("{ a: { equals: 0x10 } }", "`0x10` can be read as text or otherwise"),
        ("{ a: { in: b } }", "`in` must be a list, not a string"),
        ("{ a: { in: [] } }", "`in` is an empty list"),
        ("{ a: { in: [b, ~] } }", "an item of `in` must be a string, a number or a boolean, not nothing"),
        ("{ a: { includes: [[b]] } }", "an item of `includes` must be a string"),
        ("{ a: { present: false } }", "`present` can only be true"),
        ("{ a: { present: true }, a: { present: true } }", "the claim `a` is there twice"),
    ];
    check(&cases, |case| format!("{ISSUERS}routes: [{{ path: /a, claims: {case} }}]"));
}

#[test]
fn faults_of_identity() {
    let cases = [
        ("aliases: never", "`aliases` can't be `never`"),
        ("forward_authorization: yes", "`forward_authorization` must be true or false, not `yes`"),
        ("forward_authorisation: true", "`identity` has no field `forward_authorisation`"),
        ("headers: x-user", "`headers` must be a section of fields, not a string"),
        ("headers: { subject: 'x user' }", "`x user` is not a header that can carry an identity"),
        ("headers: { subject: Host }", "`Host` is not a header that can carry an identity"),
        ("headers: { subject: X_Original_URL }", "`X_Original_URL` is not a header that can carry an identity"),
        ("headers: { subject: Script-Name }", "`Script-Name` is not a header that can carry an identity"),
        ("remove: x-tenant", "`remove` must be a list, not a string"),
        ("remove: []", "`remove` is an empty list"),
        ("remove: [Host]", "`Host` is not a header that can be removed"),
        ("remove: [content_length]", "`content_length` is not a header that can be removed"),
        ("remove: [Transfer.Encoding]", "`Transfer.Encoding` is not a header that can be removed"),
        ("headers: { subject: keep_alive }", "`keep_alive` is not a header that can carry an identity"),
        ("remove: ['x tenant']", "`x tenant` is not a header that can be removed"),
        ("remove: [authorization]", "`authorization` is not a header that can be removed"),
        ("remove: [X_Auth_Subject]", "`x_auth_subject` carries the identity, so it can't be removed"),
        ("remove: [x-1-2-3-4-5-6-7], aliases: always", "has too many spellings for `aliases: always`"),
        ("headers: { subject: ':path' }", "`:path` is not a header that can carry an identity"),
        ("headers: { subject: a-b, issuer: A_B }", "`subject` and `issuer` would be sent in the same header"),
        ("headers: { client_id: x.auth.subject }", "`subject` and `client_id` would be sent in the same header"),
        ("headers: { subject: x-1-2-3-4-5-6-7 }, aliases: always", "has too many spellings for `aliases: always`"),
        ("headers: { user: x-user }", "`headers` has no field `user`"),
    ];
    check(&cases, |case| format!("{ROUTES}identity: {{ {case} }}"));
    let many: Vec<String> = (0..65).map(|n| format!("x-{n}")).collect();
    let error = error_of(&format!("{ROUTES}identity: {{ remove: [{}] }}", many.join(", ")));
    assert_eq!(error, "there are 65 headers to remove, more than 64");
    assert!(parse(&format!("{ROUTES}identity: {{ remove: [{}] }}", many[1..].join(", "))).is_ok());
    assert!(parse(&format!("{ROUTES}identity: {{ headers: {{ subject: x-1-2-3-4-5-6 }}, aliases: always }}")).is_ok());
    assert!(parse(&format!("{ROUTES}identity: {{ headers: {{ subject: x-1-2-3-4-5-6-7 }} }}")).is_ok());
}

#[test]
fn faults_of_the_whole() {
    let needing = "tokens are judged here, but there are no issuers to trust";
    let cases = [
        ("routes: [{ path: /a, access: authenticated }]", needing),
        ("routes: [{ path: /a, access: optional }]", needing),
        ("routes: [{ path: /a, scopes: [a] }]\nissuers: []", needing),
        ("default: authenticated", needing),
        ("default: public", "what no route covers can't be open"),
        ("default: allow", "`default` can't be `allow`"),
        ("routes: [{ path: /a, access: public }]\nextra: 1", "the file has no field `extra`"),
        ("routes: [{ path: /a, access: public }]\nroute: 1", "the file has no field `route`"),
        ("routs: []", "the file has no field `routs`"),
        ("routes:", "`routes` has no value"),
        ("issuers:\nroutes: [{ path: /a, scopes: [a] }]", "`issuers` has no value"),
    ];
    check(&cases, str::to_owned);
}

#[test]
fn places_are_lines_and_characters() {
    let text = "# é\nroutes:\n  - { path: /a, id: \"é\", access: publik }\n";
    assert_eq!(errors_of(text), ["3:21 `é` can't be the id of a route", "3:34 `access` can't be `publik`"]);
}

#[test]
fn warnings_come_with_the_configuration() {
    let warnings = |text: &str| problems(&parse(text).unwrap().warnings, Severity::Warning);
    let open = warnings(&format!("{ROUTES}listen: {{ grpc: '0.0.0.0:9191', admin: '[::]:9192' }}"));
    assert_eq!(open.len(), 2);
    assert!(open.iter().all(|warning| warning.contains("is reachable from other machines")), "{open:?}");
    let issuer = |more: &str| warnings(&format!("{ROUTES}issuers: [{{ issuer: https://i.example/, {more} }}]"));
    assert!(issuer("audiences: [b, account]")[0].contains("the audience `account`"));
    assert!(issuer("audiences: [a], clock_tolerance: 61s")[0].contains("stay valid for another 61s"));
    assert!(issuer("audiences: [a], jwks_uri: 'http://k.example/', allow_http: true")[0].contains("plain http"));
    assert!(issuer("audiences: [a], jwks_uri: 'http://localhost/', clock_tolerance: 60s").is_empty());
}

#[test]
fn each_of_several_key_sources_is_judged() {
    let sources = "jwks_uri: keys, jwks_file: '', discovery_url: 'ftp://k.example'";
    let errors = errors_of(&format!("{ROUTES}issuers: [{{ issuer: i, audiences: [a], {sources} }}]"));
    for expected in ["all say where", "`keys` is not a URL", "`jwks_file` is empty", "is neither https nor http"] {
        assert_eq!(errors.iter().filter(|error| error.contains(expected)).count(), 1, "{expected}: {errors:#?}");
    }
    assert_eq!(errors.len(), 4, "{errors:#?}");
}

#[test]
fn a_broken_route_hides_nothing_but_crossings() {
    let good = "
  - { path: /a, scopes: [a] }
  - { path: /a, access: public }
  - { path: /b, access: public, id: x }
  - { path: /c, access: public, id: x }
  - { path: /d, scopes: [d] }
  - { path: /**, host: h.example, access: public }
  - { path: '/u/{x}/y', access: public }
  - { path: '/u/z/{y}', access: public }
";
    let said = |text: &str| errors_of(&format!("{ISSUERS}routes:{text}")).join("\n");
    let whole = said(good);
    let broken = said(&format!("{good}  - {{ path: /broken }}\n"));
    for expected in ["two routes are for every method of `/a`", "`x` is the id of two routes", "takes `/d`"] {
        assert!(whole.contains(expected) && broken.contains(expected), "{expected}:\n{whole}\n\n{broken}");
    }
    assert!(whole.contains("both match `/u/z/y`") && !broken.contains("both match"), "{whole}\n\n{broken}");
    let needing = errors_of("routes: [{ path: /a, scopes: [a] }, { path: /b }]");
    assert!(needing.iter().any(|error| error.contains("no issuers to trust")), "{needing:?}");
}

#[test]
fn a_list_that_is_proposed_is_one_that_is_taken() {
    for (written, proposed) in [("'a b'", "[a, b]"), ("a", "[a]"), ("'a, b'", "[a, b]")] {
        let errors = parse(&format!("{ISSUERS}routes: [{{ path: /a, scopes: {written} }}]")).unwrap_err();
        let help: Vec<_> = errors.problems().filter_map(config::error::Problem::help_text).collect();
        assert_eq!(help, [format!("write `scopes: {proposed}`")]);
        assert!(parse(&format!("{ISSUERS}routes: [{{ path: /a, scopes: {proposed} }}]")).is_ok());
    }
}

#[test]
fn what_never_matches_or_is_not_there_yet_is_a_warning() {
    let warnings = |text: &str| problems(&parse(text).unwrap().warnings, Severity::Warning).join("\n");
    let method = |name: &str| warnings(&format!("routes: [{{ path: /a, access: public, methods: [GET, {name}] }}]"));
    assert!(method("DELTE").contains("`DELTE` is no usual method"));
    assert!(method("pots").contains("`pots` is no usual method"));
    assert!(method("purge").contains("`purge` is not in upper case"));
    for name in ["DELETE", "PURGE", "FETCH", "PROPFIND", "M-SEARCH"] {
        assert_eq!(method(name), "");
    }
    let issuer =
        |file: &str| warnings(&format!("{ROUTES}issuers: [{{ issuer: i, audiences: [a], jwks_file: {file} }}]"));
    assert!(issuer("/nowhere/keys").contains("`/nowhere/keys` can't be read yet: there is no such file"));
    assert!(issuer("/").contains("can't be read yet: it is a directory, not a regular file"));
    let not_keys = issuer("Cargo.toml");
    assert!(not_keys.contains("the keys of `Cargo.toml` can't be used: not a JSON Web Key Set"), "{not_keys}");
    assert_eq!(issuer("tests/fixtures/config/valid/keys.json"), "");
}

#[test]
fn what_is_in_a_key_file_is_looked_at_and_a_private_key_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("key");
    let said = |field: &str, text: &str| {
        std::fs::write(&file, text).unwrap();
        let issuer = format!("{{ issuer: i, audiences: [a], {field}: '{}' }}", file.display());
        match parse(&format!("{ROUTES}issuers: [{issuer}]")) {
            Ok(loaded) => problems(&loaded.warnings, Severity::Warning).join("\n"),
            Err(errors) => format!("error: {}", problems(&errors, Severity::Error).join("\n")),
        }
    };
    let pem = std::fs::read_to_string("tests/fixtures/config/valid/key.pem").unwrap();
    let jwk = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
    assert_eq!(said("public_key_file", jwk), "");
    for (field, text, reason) in [
        ("public_key_file", pem.as_str(), "which the issuer's `algorithms` lack"),
        ("public_key_file", "junk", "not a readable JSON Web Key"),
        ("jwks_file", jwk, "not a JSON Web Key Set"),
        ("jwks_file", &pem, "not a JSON Web Key Set"),
    ] {
        let got = said(field, text);
        assert!(got.contains(reason) && !got.starts_with("error"), "{field}: {got}");
    }
    // One good key among others: the one that should be usable is named.
    let others = r#"{"kid":"w","kty":"OKP","crv":"Ed25519","x":"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"},
        {"kid":"e","kty":"RSA","use":"enc"}"#;
    let got = said("jwks_file", &format!(r#"{{"keys":[{jwk},{others}]}}"#));
    assert!(got.contains("key `w` (OKP Ed25519) is skipped: its `x` is a point of small order"), "{got}");
    assert!(!got.contains("key `e`"), "{got}");
    let private = jwk.replace('{', r#"{"d":"hunter2","#);
    for (field, text) in [
        ("public_key_file", pem.replace("PUBLIC", "PRIVATE")),
        ("public_key_file", private.clone()),
        ("jwks_file", format!(r#"{{"keys":[{private}]}}"#)),
        ("jwks_file", pem.replace("PUBLIC", "PRIVATE")),
    ] {
        let got = said(field, &text);
        assert!(got.starts_with("error: ") && got.contains("can't be used") && !got.contains("hunter2"), "{got}");
    }
}
