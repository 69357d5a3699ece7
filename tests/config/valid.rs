//! Files that are right, and what becomes of them.

use std::{collections::BTreeMap, fs, path::PathBuf, time::Duration};

use portcullis::{
    config::{self, ListenAddr, ReadyRule, SocketGroup, UnixSocket, error::Severity},
    keystore::source::{KeySource, Transport},
    limits,
};
use portcullis_engine::{
    answer::identity::{Aliases, HeaderName},
    jwt::{
        claim_path::ClaimPath,
        claim_rule::{ClaimRule, ClaimTest},
    },
    policy::rule::{Access, Requirement, Rule},
    request::host::HostHandling,
};
use serde_json::json;

use crate::{env, parse, problems};

fn partner() -> BTreeMap<String, String> {
    env(&[("PARTNER_SECRET", "a secret of a variable, long enough")])
}

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/config/valid").join(name)
}

const ISSUER: &str = "issuers: [{ issuer: https://i.example/, audiences: [a] }]\n";
const ROUTES: &str = "routes: [{ path: /**, access: authenticated }]\n";

#[test]
fn every_valid_fixture_loads() {
    let mut count = 0;
    for entry in fs::read_dir(fixture("")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "yaml") {
            count += 1;
            if let Err(errors) = config::load(Some(&path), &partner()) {
                panic!("{}", errors.render(false, 120));
            }
        }
    }
    assert!(count >= 3);
}

#[test]
fn the_smallest_file_has_the_documented_defaults() {
    let loaded = parse(&format!("{ISSUER}{ROUTES}")).unwrap();
    assert!(loaded.warnings.is_empty());
    let config = loaded.config;
    assert_eq!(config.listen.grpc, ListenAddr::Tcp("127.0.0.1:9191".parse().unwrap()));
    assert_eq!(config.listen.admin, Some("127.0.0.1:9192".parse().unwrap()));
    let [issuer] = config.issuers.as_slice() else { panic!("one issuer") };
    assert_eq!(&*issuer.rules.issuer, "https://i.example/");
    assert_eq!(issuer.rules.audiences.as_slice(), ["a"]);
    assert_eq!(format!("{:?}", issuer.rules.algorithms.as_slice()), "[RS256, PS256, ES256, EdDSA]");
    assert_eq!(issuer.rules.clock_tolerance, Duration::from_secs(5));
    assert_eq!(issuer.rules.max_token_age, None);
    assert!(!issuer.rules.strict);
    assert_eq!(issuer.rules.audience_claim, "aud");
    assert_eq!(issuer.rules.client_id_claims, ["client_id", "azp", "cid", "appid"]);
    assert_eq!(issuer.rules.scope_claims, ["scope", "scp"].map(ClaimPath::top_level));
    assert_eq!(config.ready, ReadyRule::Keys);
    assert_eq!(config.identity.aliases, Aliases::Seen);
    assert!(config.identity.forward_authorization && !config.identity.forward_overrides);
    assert!(!config.identity.subject_in_metadata && config.identity.remove.is_empty());
    assert_eq!(config.policy.hosts(), HostHandling::AsSent);
    assert_eq!(config.policy.with_encoded_slashes().count(), 0);
    assert_eq!(config.identity.subject.unwrap().as_str(), "x-auth-subject");
}

#[test]
fn everything_that_is_written_is_read() {
    let loaded = config::load(Some(&fixture("everything.yaml")), &partner()).unwrap();
    assert_eq!(problems(&loaded.warnings, Severity::Warning).len(), 4, "{}", loaded.warnings.render(false, 100));
    let config = loaded.config;
    assert_eq!(config.listen.grpc, ListenAddr::Unix(UnixSocket::new("/run/portcullis.sock")));
    assert_eq!(config.listen.admin, None);
    let remote = &config.issuers[0];
    assert_eq!(remote.rules.clock_tolerance, Duration::from_secs(90));
    assert_eq!(remote.rules.max_token_age, Some(Duration::from_secs(24 * 3600)));
    assert!(!remote.rules.strict && config.issuers[1].rules.strict);
    assert_eq!(remote.rules.audience_claim, "client_id");
    assert_eq!(remote.rules.client_id_claims, ["azp"]);
    assert_eq!(remote.rules.scope_claims, ["scope", "permissions"].map(ClaimPath::top_level));
    assert_eq!(format!("{:?}", remote.rules.algorithms.as_slice()), "[ES384, RS512]");
    assert_eq!(config.identity.subject.unwrap().as_str(), "x-user");
    assert_eq!(config.identity.scopes, None);
    assert_eq!(config.identity.aliases, Aliases::Always);
    assert!(!config.identity.forward_authorization && config.identity.forward_overrides);
    assert!(config.identity.subject_in_metadata);
    let removed: Vec<&str> = config.identity.remove.iter().map(HeaderName::as_str).collect();
    assert_eq!(removed, ["x-tenant", "x-http-method-override"]);
    assert_eq!(config.policy.hosts(), HostHandling::Stripped);
    let with_slashes: Vec<String> =
        config.policy.with_encoded_slashes().map(|(host, path)| format!("{host} {path}")).collect();
    assert_eq!(with_slashes, ["* /orgs/{org}/**"]);
}

#[test]
fn who_may_connect_to_a_socket_is_read() {
    let access = |fields: &str| {
        let loaded =
            parse(&format!("{ISSUER}{ROUTES}listen: {{ grpc: {{ address: unix:/p.sock{fields} }} }}\n")).unwrap();
        let ListenAddr::Unix(socket) = loaded.config.listen.grpc else { panic!("{fields}") };
        assert_eq!(socket.path.to_str(), Some("/p.sock"));
        (socket.access.map(|access| (access.mode.bits(), access.group)), problems(&loaded.warnings, Severity::Warning))
    };
    let named = Some(SocketGroup::Name("envoy".to_owned()));
    for (fields, expected) in [
        ("", None),
        (", mode: '0660'", Some((0o660, None))),
        (", mode: \"0o600\"", Some((0o600, None))),
        (", mode: '770', group: envoy", Some((0o770, named.clone()))),
        (", group: envoy", Some((0o660, named))),
        (", group: 101", Some((0o660, Some(SocketGroup::Id(101))))),
        (", group: '0'", Some((0o660, Some(SocketGroup::Id(0))))),
    ] {
        assert_eq!(access(fields), (expected, vec![]), "{fields}");
    }
    let (open, warnings) = access(", mode: '0666'");
    assert_eq!(open, Some((0o666, None)));
    assert!(
        matches!(warnings.as_slice(), [only] if only.contains("`0666` lets every user of this machine connect")),
        "{warnings:?}"
    );
    let tcp = parse(&format!("{ROUTES}listen: {{ grpc: {{ address: 127.0.0.1:1 }} }}\n{ISSUER}")).unwrap();
    assert_eq!(tcp.config.listen.grpc, ListenAddr::Tcp("127.0.0.1:1".parse().unwrap()));
}

#[test]
fn everything_about_clients_claims_and_fetching_is_read() {
    let config = config::load(Some(&fixture("everything.yaml")), &partner()).unwrap().config;
    assert_eq!(config.keys_dir, Some(fixture("saved")));
    assert_eq!(config.ready, ReadyRule::Started);
    let [remote, file, ..] = config.issuers.as_slice() else { panic!("two issuers") };
    assert_eq!(remote.rules.clients.as_ref().unwrap().as_slice(), ["web", "batch"]);
    let rule = |claim: &str, test| ClaimRule { claim: ClaimPath::top_level(claim), test };
    assert_eq!(
        remote.rules.claims,
        [rule("tid", ClaimTest::Equals(json!("acme"))), rule("groups", ClaimTest::Present)]
    );
    assert_eq!((remote.max_stale, file.max_stale), (Duration::from_secs(7200), limits::KEYS_MAX_STALE));
    assert!(remote.transport.ca.as_ref().unwrap().starts_with(b"-----BEGIN CERTIFICATE-----"));
    assert_eq!(remote.transport.proxy.as_ref().unwrap().host_str(), Some("proxy.example.com"));
    assert_eq!(file.transport, Transport::default());
    assert!(file.rules.clients.is_none() && file.rules.claims.is_empty());
}

#[test]
fn every_source_of_keys_is_read() {
    let config = config::load(Some(&fixture("everything.yaml")), &partner()).unwrap().config;
    let [remote, file, secret, public_key, variable] = config.issuers.as_slice() else { panic!("five issuers") };
    let KeySource::PublicKeyFile(path) = &public_key.source else { panic!("{:?}", public_key.source) };
    assert_eq!(*path, fixture("key.pem"));
    let KeySource::Secret(bytes) = &variable.source else { panic!("{:?}", variable.source) };
    assert_eq!(bytes.expose(), b"a secret of a variable, long enough");
    let KeySource::JwksUri { url, allow_http: true } = &remote.source else { panic!("{:?}", remote.source) };
    assert_eq!(url.as_str(), "http://keys.example.com/jwks");
    let KeySource::JwksFile(path) = &file.source else { panic!("{:?}", file.source) };
    assert_eq!(*path, fixture("keys.json"));
    let KeySource::Secret(bytes) = &secret.source else { panic!("{:?}", secret.source) };
    assert_eq!(bytes.expose(), b"a-secret-of-forty-eight-bytes-for-tests-and-no-more");
    assert_eq!(format!("{:?}", secret.rules.algorithms.as_slice()), "[HS256, HS384]");
}

#[test]
fn discovery_starts_at_the_issuer_or_at_another_address() {
    let documents = |issuer: &str| {
        let loaded = parse(&format!("issuers: [{{ {issuer}, audiences: [a] }}]\n{ROUTES}")).unwrap();
        match &loaded.config.issuers[0].source {
            KeySource::Discovery { documents, .. } => documents.iter().map(ToString::to_string).collect::<Vec<_>>(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(
        documents("issuer: https://i.example/realms/r"),
        [
            "https://i.example/realms/r/.well-known/openid-configuration",
            "https://i.example/.well-known/oauth-authorization-server/realms/r",
        ]
    );
    assert_eq!(
        documents("issuer: anything, discovery_url: 'http://localhost:8080/'"),
        [
            "http://localhost:8080/.well-known/openid-configuration",
            "http://localhost:8080/.well-known/oauth-authorization-server",
        ]
    );
    let exact = "https://i.example/x/.well-known/openid-configuration";
    assert_eq!(documents(&format!("issuer: anything, discovery_url: '{exact}'")), [exact]);
}

#[test]
fn rules_are_called_by_their_id_or_by_what_they_match() {
    let loaded = config::load(Some(&fixture("everything.yaml")), &partner()).unwrap();
    let ids: Vec<&str> = loaded.config.policy.rules().map(|rule| rule.id.as_str()).collect();
    assert_eq!(
        ids,
        [
            "public things",
            "* /api/feed",
            "* /api/private",
            "* /api/private-scoped",
            "GET,HEAD /api/messages/{id}",
            "DELETE /api/messages/{id}",
            "* admin.example.com/**",
            "* /orgs/{org}/**",
            "* *.tenants.example.com/own",
        ]
    );
    assert_eq!(loaded.config.policy.default_rule().unwrap().id.as_str(), "default");
}

#[test]
fn what_routes_ask_for_is_what_is_written() {
    let loaded = config::load(Some(&fixture("everything.yaml")), &partner()).unwrap();
    let rules: Vec<_> = loaded.config.policy.rules().collect();
    assert_eq!(rules[0].access, Access::Public);
    assert_eq!(rules[1].access, Access::Optional);
    assert_eq!(rules[2].access, Access::Token(Requirement::default()));
    let Access::Token(get) = &rules[4].access else { panic!("{:?}", rules[4]) };
    assert_eq!(
        format!("{:?}", get.scopes),
        r#"ScopeRequirement { all: [], any: ["read:messages" or ["admin:messages"], "admin:messages"] }"#
    );
    let Access::Token(delete) = &rules[5].access else { panic!("{:?}", rules[5]) };
    assert_eq!(format!("{:?}", delete.scopes), r#"ScopeRequirement { all: ["delete:messages"], any: ["a", "b"] }"#);
    let rule = |claim: &str, test| ClaimRule { claim: ClaimPath::top_level(claim), test };
    assert_eq!(
        delete.claims,
        [
            rule("org_id", ClaimTest::Equals(json!("org_42"))),
            rule("level", ClaimTest::OneOf(vec![json!(1), json!(2.5), json!("3"), json!(true)])),
            rule("roles", ClaimTest::Includes(vec![json!("admin")])),
            rule("roles", ClaimTest::Present),
        ]
    );
}

#[test]
fn what_is_asked_beyond_scopes_is_what_is_written() {
    let loaded = config::load(Some(&fixture("everything.yaml")), &partner()).unwrap();
    let conditions = |rule: &Rule| match &rule.access {
        Access::Token(asked) => asked.conditions().map(|condition| condition.to_string()).collect(),
        other => vec![format!("{other:?}")],
    };
    let policy = &loaded.config.policy;
    let rules: Vec<_> = policy.rules().collect();
    assert_eq!(
        conditions(rules[7]),
        [
            "issuer https://tenant.example.com/",
            "audience https://api.example.com",
            "claim /org/id matches {org}",
            "claim domain matches the host",
        ]
    );
    assert_eq!(conditions(rules[8]), ["claim tenant matches the subdomain of tenants.example.com"]);
    let named: Vec<_> = policy.named().map(|(name, rule)| (name, rule.id.as_str(), conditions(rule))).collect();
    assert_eq!(
        named,
        [
            ("open", "policy:open", vec!["Public".to_owned()]),
            ("readers", "policy:readers", vec!["scope read:messages".to_owned()]),
        ]
    );
    let Access::Token(reading) = &rules[3].access else { panic!("{:?}", rules[3]) };
    assert_eq!(format!("{:?}", reading.scopes.all[0].substitutes()), r#"["admin:messages"]"#);
    assert_eq!(loaded.config.tests, [fixture("policy_test.yaml")]);
}

#[test]
fn a_rule_knows_where_it_is_written() {
    let text = "issuers: [{ issuer: https://i.example/, audiences: [a] }]\n\
                policies:\n  p: { access: public }\n\
                routes:\n  - methods: [GET]\n    path: /a\n    scopes: [x]\n\
                default: authenticated\n";
    let policy = parse(text).unwrap().config.policy;
    let rules = policy.rules().chain(policy.named().map(|(_, rule)| rule)).chain(policy.default_rule());
    let places: Vec<_> = rules.map(|rule| rule.id.written_at()).collect();
    assert_eq!(places, ["portcullis.yaml:6", "portcullis.yaml:3", "portcullis.yaml:8"]);
}

#[test]
fn public_routes_alone_need_no_issuer() {
    assert!(parse("routes: [{ path: /health, access: public }]").is_ok());
    assert!(parse("issuers: []\nroutes: [{ path: /health, access: public }]").is_ok());
    assert!(parse("default: deny").is_ok());
}

#[test]
fn the_largest_allowed_number_of_routes_loads_and_one_more_does_not() {
    let limit = limits::RULES;
    let routes = |count: usize| {
        let lines: String = (0..count).map(|n| format!("  - {{ path: /r/{n}, access: authenticated }}\n")).collect();
        parse(&format!("{ISSUER}routes:\n{lines}"))
    };
    assert!(routes(limit).is_ok());
    let errors = routes(limit + 1).unwrap_err();
    assert_eq!(problems(&errors, Severity::Error), ["2:1 there are 20001 routes, more than 20000"]);
}
