//! A `CheckRequest`: its bytes as they are, or one made of words with Envoy's complete types. It goes through the whole
//! engine, with a policy that is open in one place.
#![no_main]

use std::{
    cell::Cell,
    hash::RandomState,
    io,
    sync::{Arc, LazyLock},
    time::Duration,
};

use arbitrary::Unstructured;
use bytes::Bytes;
use envoy_types::pb::{
    envoy::{
        config::core::v3::{HeaderMap, HeaderValue, HeaderValueOption},
        service::auth::v3::{
            AttributeContext, CheckRequest, CheckResponse, OkHttpResponse,
            attribute_context::{HttpRequest, Request},
            check_response::HttpResponse,
        },
    },
    google::protobuf::value::Kind,
};
use portcullis::{
    clock::Clock,
    ext_authz::{
        decode::attributes::Attributes,
        proto::envoy::service::auth::v3::CheckRequest as Ours,
        response::Replies,
        service::{Decided, Engine, Observer},
    },
    keystore::store::{IssuerKeys, KeyStore},
    limits,
};
use portcullis_engine::{
    authorizer::Authorizer,
    keys::{algorithm::Algorithm, key_set::KeySet},
    request::path::CanonicalPath,
    time::UnixTime,
    token_cache::cached_verifier::CachedVerifier,
};
use portcullis_fuzz::{config, json_writer::CHOICES, keys::Signer};
use prost::Message as _;
use tokio::{runtime::Runtime, time::Instant};
use tokio_util::task::TaskTracker;

const POLICY: &str = "
issuers: [{ issuer: 'https://issuer.test/', audiences: [api], algorithms: [EdDSA] }]
default: authenticated
routes:
  - { path: /public/**, access: public, id: public }
  - { path: /optional, access: optional, id: optional }
  - { path: /scoped/**, scopes: [read], id: scoped }
  - { path: '/scoped/{id}/x', methods: [GET, POST], scopes: [write], id: write }
  - { host: admin.test, path: /**, scopes: [admin], id: admin }
";
/// Stands in what a client sends, and must not come back.
const CANARY: &str = "CanaryCanary";

/// Stands where secrets are: in credentials, queries and the like. It must not be shown at all.
const SECRET: &str = "SecretSecret";

thread_local! {
    /// The request is made of words, so that [`SECRET`] stands only where secrets are.
    static IS_MADE_OF_WORDS: Cell<bool> = const { Cell::new(false) };
}

/// The one token that anybody signed. It has the scope `read`.
static TOKEN: LazyLock<String> = LazyLock::new(|| {
    let claims = br#"{"iss":"https://issuer.test/","aud":"api","exp":1900000000,"sub":"a b%\u00e9","scope":"read"}"#;
    Signer::new(1).sign(br#"{"alg":"EdDSA"}"#, claims)
});

struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> UnixTime {
        UnixTime::from_secs(1_800_000_000)
    }
}

struct Deaf;

impl Observer for Deaf {
    /// Checks that a log line shows the request in visible ASCII, cut, and without its secrets.
    fn decided(&self, decided: &Decided<'_>) {
        let shown = format!("{decided:?}");
        assert!(!shown.contains(TOKEN.as_str()), "a log line with a token: {shown}");
        assert!(!IS_MADE_OF_WORDS.get() || !shown.contains(SECRET), "a log line with a secret: {shown}");
        let texts = decided.request();
        for text in [texts.method, texts.host, texts.path].into_iter().flatten().map(|text| text.to_string()) {
            assert!(text.chars().all(|c| c == '…' || c.is_ascii_graphic() && !"\"'`\\".contains(c)), "{text}");
            assert!(text.chars().count() <= limits::LOGGED_TEXT_CHARS, "{text}");
        }
    }

    fn accept_failed(&self, _: &io::Error) {}
}

struct World {
    engine: Engine,
    runtime: Runtime,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let config = config::of(POLICY);
    let keys = Arc::new(KeyStore::new());
    let text = format!(r#"{{"keys":[{}]}}"#, Signer::new(1).jwk("a"));
    let set = KeySet::parse(text.as_bytes(), &[Algorithm::EdDSA]).expect("a good key");
    keys.add("https://issuer.test/".into(), IssuerKeys::fixed(set, Instant::now()));
    let verifier = CachedVerifier::new(config.issuers.into_iter().map(|issuer| issuer.rules), RandomState::new());
    let engine = Engine {
        revision: "test".into(),
        authorizer: Authorizer::new(config.policy, verifier),
        keys,
        replies: Replies::new(&config.identity),
        clock: Arc::new(Fixed),
        observer: Arc::new(Deaf),
        in_flight: TaskTracker::new(),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    World { engine, runtime }
});

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    IS_MADE_OF_WORDS.set(input.first() == Some(&CHOICES));
    let message = match input.split_first() {
        Some((&CHOICES, choices)) => message_of(&mut Unstructured::new(choices)).encode_to_vec(),
        _ => input.to_vec(),
    };
    let complete = CheckRequest::decode(message.as_slice()).ok();
    our_types_read_what_envoys_do(&message, complete.as_ref());
    the_reader_says_what_the_types_say(&message);
    let world = &*WORLD;
    let answer = world.runtime.block_on(world.engine.check(Bytes::from(message.clone()), Duration::ZERO));
    let again = world.runtime.block_on(world.engine.check(Bytes::from(message), Duration::ZERO));
    let answer = CheckResponse::decode(answer.into_bytes()).expect("an answer");
    assert_eq!(Ok(&answer), CheckResponse::decode(again.into_bytes()).as_ref(), "asked twice");
    let http = complete.and_then(|request| request.attributes?.request?.http);
    match an_answer_says_one_thing(&answer) {
        Some(allowed) => {
            let http = http.expect("an allow needs a request");
            an_allow_has_its_reason(&answer, &http);
            no_identity_but_ours_goes_on(allowed, &http);
        }
        None => nothing_comes_back(&answer),
    }
});

fn message_of(choices: &mut Unstructured<'_>) -> CheckRequest {
    let mut http = HttpRequest { id: one_of(choices, &["7", "", "a b"]), ..HttpRequest::default() };
    http.method = one_of(choices, &["GET", "POST", "HEAD", "CONNECT", "connect", "", "G T"]);
    http.host = one_of(
        choices,
        &["api.test", "admin.test", "ADMIN.test.:443", "", "a,b", "u@admin.test", "[::1]", "u:SecretSecret@admin.test"],
    );
    for _ in 0..choices.int_in_range(1..=4).unwrap_or(1) {
        let words = [
            "/public",
            "/optional",
            "/scoped",
            "/x",
            "/",
            "/.",
            "/..",
            "%2e",
            "%2F",
            "?",
            "PUBLIC",
            "/PUBLIC",
            "%70ublic",
            ";",
            "//",
            "\\",
            "\"",
            "é\n",
            "?q=SecretSecret",
            ";s=SecretSecret",
            "#SecretSecret",
            CANARY,
            TOKEN.as_str(),
        ];
        http.path.push_str(&one_of(choices, &words));
    }
    let (good, half) = (format!("Bearer {}", &*TOKEN), format!("bearer {}.{CANARY}", &*TOKEN));
    let (canary, secret) = (format!("Bearer {CANARY}"), format!("Bearer {SECRET}"));
    for _ in 0..choices.int_in_range(0..=4).unwrap_or(0) {
        let names = [
            "authorization",
            "Authorization",
            "x-auth-subject",
            "X_Auth.Subject",
            "x-auth-scopes",
            "x-original-url",
            "host",
            "content-type",
            "x-request-id",
            ":path",
            CANARY,
        ];
        let values = [
            good.as_str(),
            &half,
            &canary,
            &secret,
            "Basic YTpi",
            "",
            "application/grpc",
            "application/grpc+x",
            CANARY,
            "é",
        ];
        let (key, value) = (one_of(choices, &names), one_of(choices, &values));
        match choices.int_in_range(0..=2).unwrap_or(0) {
            0 => drop(http.headers.insert(key, value)),
            1 => add(&mut http, HeaderValue { key, raw_value: value.into_bytes(), ..HeaderValue::default() }),
            _ => add(&mut http, HeaderValue { key, value, ..HeaderValue::default() }),
        }
    }
    let mut context = AttributeContext::default();
    if choices.ratio(1, 10).unwrap_or(false) {
        context.context_extensions.insert("portcullis_policy".to_owned(), "other".to_owned());
    }
    context.request = Some(Request { http: Some(http), ..Request::default() });
    CheckRequest { attributes: Some(context) }
}

fn add(http: &mut HttpRequest, header: HeaderValue) {
    http.header_map.get_or_insert_with(HeaderMap::default).headers.push(header);
}

fn one_of(choices: &mut Unstructured<'_>, words: &[&str]) -> String {
    choices.choose(words).copied().unwrap_or_default().to_owned()
}

/// The reader of the request path takes what prost takes, and sees in it what prost sees.
fn the_reader_says_what_the_types_say(message: &[u8]) {
    let read = Attributes::decode(message).ok();
    let attributes = Ours::decode(message).ok().and_then(|request| request.attributes);
    let Some(mut attributes) = attributes else { return assert!(read.is_none(), "only prost refuses it") };
    let policy = attributes.context_extensions.remove("portcullis_policy");
    let Some(http) = attributes.request.and_then(|request| request.http) else {
        return assert!(read.is_none(), "there is no request");
    };
    let read = read.expect("only the reader refuses it");
    let singles = (read.id(), read.method(), read.path(), read.host(), read.policy());
    assert_eq!(singles, (&*http.id, &*http.method, &*http.path, &*http.host, policy.as_deref()));
    let mut headers: Vec<_> = http.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    headers.sort_unstable();
    headers.extend(http.header_map.iter().flat_map(|map| &map.headers).map(|header| {
        let value = if header.raw_value.is_empty() { header.value.as_bytes() } else { &header.raw_value };
        (header.key.as_str(), value)
    }));
    assert_eq!(read.headers().collect::<Vec<_>>(), headers);
    for name in ["authorization", "content-type", "x-request-id"] {
        let named = headers.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| *value);
        assert_eq!(read.values(name).collect::<Vec<_>>(), named.collect::<Vec<_>>(), "{name}");
    }
    let mut names: Vec<&[u8]> = read.names().collect();
    names.sort_unstable();
    let mut expected: Vec<&[u8]> = headers.iter().map(|(name, _)| name.as_bytes()).collect();
    expected.sort_unstable();
    names.dedup();
    expected.dedup();
    assert_eq!(names, expected);
}

fn our_types_read_what_envoys_do(message: &[u8], complete: Option<&CheckRequest>) {
    let ours = Ours::decode(message).ok();
    assert_eq!(ours.is_some(), complete.is_some(), "one of two readers refuses it");
    let (Some(ours), Some(complete)) = (ours, complete) else { return };
    assert_eq!(CheckRequest::decode(ours.encode_to_vec().as_slice()).as_ref(), Ok(complete), "a field was lost");
    assert_eq!(Ours::decode(complete.encode_to_vec().as_slice()), Ok(ours), "a field was made up");
}

/// Design, section 6, facts 1, 4 and 15. An allow, or nothing for a denial.
fn an_answer_says_one_thing(answer: &CheckResponse) -> Option<&OkHttpResponse> {
    let code = answer.status.as_ref().expect("no status is an allow").code;
    match answer.http_response.as_ref().expect("both kinds of answer have a response") {
        HttpResponse::OkResponse(allowed) => {
            assert_eq!(code, 0);
            headers_are_safe(&allowed.headers);
            assert!(allowed.response_headers_to_add.is_empty() && allowed.query_parameters_to_set.is_empty());
            Some(allowed)
        }
        HttpResponse::DeniedResponse(denied) => {
            let status = denied.status.as_ref().expect("no status is 403").code;
            let pairs = [(400, 3), (401, 16), (403, 7), (503, 14), (500, 13)];
            assert!(pairs.contains(&(status, code)), "{status} {code}");
            assert_ne!(status, 500, "a bug");
            headers_are_safe(&denied.headers);
            None
        }
        HttpResponse::ErrorResponse(_) => panic!("with failure_mode_allow that is an allow"),
    }
}

fn headers_are_safe(headers: &[HeaderValueOption]) {
    for option in headers {
        assert_eq!(option.append_action, 2, "it has to overwrite");
        let header = option.header.as_ref().expect("a header");
        assert!(header.raw_value.is_empty() && !header.value.is_empty());
        assert!(header.value.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()), "{:?}", header.value);
    }
}

fn text_of<'a>(answer: &'a CheckResponse, name: &str) -> Option<&'a str> {
    match answer.dynamic_metadata.as_ref()?.fields.get(name)?.kind.as_ref()? {
        Kind::StringValue(text) => Some(text),
        _ => None,
    }
}

fn headers_of(http: &HttpRequest) -> impl Iterator<Item = (&str, &[u8])> {
    let joined = http.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    let raw = http.header_map.iter().flat_map(|map| &map.headers);
    joined.chain(raw.map(|header| {
        let value = if header.raw_value.is_empty() { header.value.as_bytes() } else { &header.raw_value };
        (header.key.as_str(), value)
    }))
}

/// Nothing is allowed but by the rule for that very path, and where a token is asked for, with the one good token.
fn an_allow_has_its_reason(answer: &CheckResponse, http: &HttpRequest) {
    assert_eq!(text_of(answer, "decision"), Some("allow"));
    let path = CanonicalPath::parse(&http.path).expect("a canonical path");
    let path = path.as_str();
    let host = http.host.to_ascii_lowercase();
    // `admin.test:80` and `admin.test.` are that host, `admin.testing` is another.
    let name = host.split(':').next().unwrap_or_default().trim_end_matches('.');
    assert_ne!(name, "admin.test", "nobody has the scope for {host}");
    let credentials: Vec<&[u8]> = headers_of(http)
        .filter(|(name, _)| name.eq_ignore_ascii_case("authorization"))
        .map(|(_, value)| value)
        .collect();
    let has_token = || matches!(credentials.as_slice(), [one] if one.trim_ascii().ends_with(TOKEN.as_bytes()));
    match text_of(answer, "rule") {
        Some("public") => assert!(path == "/public" || path.starts_with("/public/"), "{path}"),
        Some("optional") => assert!(path == "/optional" && (credentials.is_empty() || has_token()), "{path}"),
        Some("scoped") => assert!((path == "/scoped" || path.starts_with("/scoped/")) && has_token(), "{path}"),
        Some("admin" | "write") | None => panic!("nobody has the scope, and nothing is allowed without a rule"),
        Some(_) => {
            let is_other =
                !["/public", "/scoped"].iter().any(|base| path == *base || path.starts_with(&format!("{base}/")));
            assert!(is_other && path != "/optional" && has_token(), "by default: {path}");
        }
    }
}

/// Design, section 4: identity headers are ours alone, in whatever spelling.
fn no_identity_but_ours_goes_on(allowed: &OkHttpResponse, http: &HttpRequest) {
    let fold = |name: &str| name.to_ascii_lowercase().replace(['_', '.'], "-");
    let set: Vec<&str> =
        allowed.headers.iter().filter_map(|option| Some(option.header.as_ref()?.key.as_str())).collect();
    let removed = &allowed.headers_to_remove;
    assert!(!removed.iter().any(|name| set.contains(&name.as_str())), "removed after it was set");
    for guarded in
        ["x-auth-subject", "x-auth-scopes", "x-auth-issuer", "x-auth-client-id", "x-original-url", "forwarded"]
    {
        let is_ours = |name: &str| set.contains(&name) || removed.iter().any(|other| other == name);
        assert!(is_ours(guarded), "{guarded} goes on as the client sent it");
        for (name, _) in headers_of(http).filter(|(name, _)| fold(name) == guarded) {
            assert!(is_ours(&name.to_ascii_lowercase()), "{name} goes on as the client sent it");
        }
    }
}

fn nothing_comes_back(answer: &CheckResponse) {
    assert_eq!(text_of(answer, "decision"), Some("deny"));
    let Some(HttpResponse::DeniedResponse(denied)) = &answer.http_response else { return };
    let mut shown = format!("{:?}{:?}{:?}", answer.status, answer.dynamic_metadata, denied.headers);
    // The body repeats a harmless request id, and it may have any letters.
    if !denied.body.contains("request_id") {
        shown.push_str(&denied.body);
    }
    assert!(!shown.contains(CANARY) && !shown.contains(TOKEN.as_str()), "{shown}");
    assert!(shown.len() < limits::PATH_BYTES);
}
