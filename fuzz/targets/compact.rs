//! A token: its text as it is, or a header and a claims set in two lines, or both made of words, and then signed. So what
//! is judged behind the signature is fuzzed as well as what stands before it.
#![no_main]

use std::sync::LazyLock;

use arbitrary::Unstructured;
use portcullis::{
    keystore::store::{IssuerKeys, KeyStore},
    limits,
};
use portcullis_engine::{
    jwt::{
        compact::Compact,
        header::{Header, TokenType},
        verifier::Verifier,
    },
    keys::{algorithm::Algorithm, key_set::KeySet},
    oauth::access_token::AccessToken,
    reason::TokenFault,
    time::UnixTime,
};
use portcullis_fuzz::{
    base64url, config,
    json_reference::strict_object,
    json_writer::{CHOICES, Words, object},
    keys::Signer,
};
use serde_json::{Map, Value};
use tokio::time::Instant;

const NOW: i64 = 1_800_000_000;

const ISSUERS: &str = "
issuers:
  - { issuer: 'https://issuer.test/', audiences: [api, other], algorithms: [EdDSA], clock_tolerance: 0s }
  - { issuer: 'https://strict.test/', audiences: [api], algorithms: [EdDSA], clock_tolerance: 0s, strict: true,
      max_token_age: 1h }
routes: [{ path: /**, access: authenticated }]
";
/// As in `ISSUERS`; each has the key of its place.
const NAMES: [&str; 2] = ["https://issuer.test/", "https://strict.test/"];

const HEADER: Words = Words {
    names: &["alg", "kid", "typ", "crit", "jku", "jwk", "b64", "x5c", "zip"],
    values: &[
        r#""EdDSA""#,
        r#""Ed25519""#,
        r#""none""#,
        r#""HS256""#,
        r#""RS256""#,
        r#""eddsa""#,
        r#""a""#,
        r#""b""#,
        "7",
        "null",
        r#""JWT""#,
        r#""at+jwt""#,
        r#""application/at+JWT""#,
        r#""dpop+jwt""#,
        r#""application/application/jwt""#,
        "[]",
        r#"["b64"]"#,
        "true",
        r#""\u0061""#,
    ],
    members: &[r#""alg":"EdDSA""#, r#""alg":"EdDSA","typ":"at+jwt""#, r#""alg":"EdDSA","kid":"a""#],
};

const CLAIMS: Words = Words {
    names: &[
        "iss",
        "aud",
        "exp",
        "nbf",
        "iat",
        "sub",
        "jti",
        "client_id",
        "scope",
        "typ",
        "token_use",
        "cnf",
        "at_hash",
        "s_hash",
        "events",
        "c_hash",
        "scp",
    ],
    values: &[
        r#""https://issuer.test/""#,
        r#""https://strict.test/""#,
        r#""https://issuer.test""#,
        r#""api""#,
        r#"["api"]"#,
        r#"["x",7]"#,
        "[]",
        "1800000000",
        "1800000000.001",
        "1800000000.5",
        "1800000001",
        "1799999999.999",
        "1799996400",
        "1799996399",
        "1900000000",
        "7",
        "0",
        "-1",
        "1e300",
        r#""1900000000""#,
        "null",
        r#""a""#,
        r#""ID""#,
        r#""Refresh""#,
        r#""Bearer""#,
        r#""access""#,
        r#""id""#,
        "{}",
        "true",
        r#""a b c""#,
    ],
    members: &[
        r#""iss":"https://issuer.test/","aud":"api","exp":1900000000"#,
        r#""iss":"https://strict.test/","aud":"api","exp":1900000000,"iat":1799999000"#,
        r#""sub":"s","client_id":"c","jti":"j""#,
    ],
};

struct World {
    verifier: Verifier,
    keys: KeyStore,
    signers: [Signer; 2],
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let config = config::of(ISSUERS);
    let signers = [Signer::new(1), Signer::new(2)];
    let keys = KeyStore::new();
    for (name, signer) in NAMES.iter().zip(&signers) {
        let text = format!(r#"{{"keys":[{}]}}"#, signer.jwk("a"));
        let set = KeySet::parse(text.as_bytes(), &[Algorithm::EdDSA]).expect("a good key");
        keys.add((*name).into(), IssuerKeys::fixed(set, Instant::now()));
    }
    World { verifier: Verifier::new(config.issuers.into_iter().map(|issuer| issuer.rules)), keys, signers }
});

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    match input.split_first() {
        Some((&CHOICES, choices)) => {
            let mut choices = Unstructured::new(choices);
            let (signer, change) = (choices.arbitrary::<bool>(), choices.arbitrary::<u16>());
            let (header, payload) = (object(&mut choices, &HEADER), object(&mut choices, &CLAIMS));
            let signer = usize::from(signer.unwrap_or_default());
            a_signed_token_is_judged_as_the_reference_judges_it(&header, &payload, signer, change.unwrap_or_default());
        }
        Some((b'{', _)) => {
            let (header, payload) = split(input, b'\n').unwrap_or((input, b"{}"));
            a_signed_token_is_judged_as_the_reference_judges_it(header, payload, 0, input.len() as u16);
        }
        _ => a_text_of_a_stranger_is_never_a_token(input),
    }
});

fn split(text: &[u8], at: u8) -> Option<(&[u8], &[u8])> {
    let place = text.iter().position(|byte| *byte == at)?;
    Some((text.get(..place)?, text.get(place + 1..)?))
}

fn is_accepted(text: &str) -> bool {
    is_accepted_at(text, NOW)
}

fn is_accepted_at(text: &str, now: i64) -> bool {
    let Ok(token) = AccessToken::parse(text.as_bytes()) else { return false };
    let world = &*WORLD;
    match world.verifier.verify(token, &world.keys.at(Instant::now()), UnixTime::from_secs(now)) {
        Ok(verified) => {
            assert!(NAMES.contains(&verified.issuer()) && verified.expires_at() > UnixTime::from_secs(now));
            true
        }
        Err(_) => false,
    }
}

fn a_text_of_a_stranger_is_never_a_token(input: &[u8]) {
    let Ok(token) = AccessToken::parse(input) else { return };
    assert!(!is_accepted(token.expose()), "nobody signed this");
    what_parses_has_one_spelling(token);
}

/// RFC 7515 section 7.1, and RFC 4648 section 3.5 for what is loose.
fn what_parses_has_one_spelling(token: AccessToken<'_>) {
    let text = token.expose();
    let parts: Vec<&str> = text.split('.').collect();
    let compact = match Compact::parse(token) {
        Ok(compact) => compact,
        Err(fault) => {
            let decoded: Vec<_> = parts.iter().map(|part| base64url::decode(part.as_bytes())).collect();
            let wanted = match decoded.as_slice() {
                [Some(header), Some(payload), Some(_)] => {
                    assert!(header.len() > limits::TOKEN_HEADER_BYTES || payload.len() > limits::TOKEN_CLAIMS_BYTES);
                    TokenFault::Malformed
                }
                [_, _, _] => TokenFault::Malformed,
                [_, _, _, _, _] => TokenFault::Encrypted,
                _ => TokenFault::Opaque,
            };
            assert_eq!(fault, wanted);
            return;
        }
    };
    let again: Vec<String> =
        [&compact.header, &compact.payload, &compact.signature].map(|part| base64url::encode(part)).into();
    assert_eq!(again, parts);
    assert_eq!(Some(compact.signing_input), text.rsplit_once('.').map(|(signed, _)| signed));
    assert!(compact.header.len() <= limits::TOKEN_HEADER_BYTES && compact.payload.len() <= limits::TOKEN_CLAIMS_BYTES);
    a_header_is_understood_or_refused(&compact.header);
}

/// RFC 7515 section 4, RFC 8725 section 3.1.
fn a_header_is_understood_or_refused(text: &[u8]) {
    let Ok(header) = Header::parse(text) else { return };
    let members = strict_object(text).expect("strictly one object");
    assert!(!members.contains_key("crit"));
    let named = members.get("alg").and_then(Value::as_str).expect("a string");
    assert!(
        header.algorithm.name() == named || (named == "Ed25519" && header.algorithm == Algorithm::EdDSA),
        "{named}"
    );
    assert!(!named.eq_ignore_ascii_case("none"));
    assert_eq!(header.kid.as_deref(), members.get("kid").map(|kid| kid.as_str().expect("a string")));
    assert!(header.kid.is_none_or(|kid| kid.len() <= limits::KID_BYTES));
    assert_eq!(header.token_type == TokenType::Absent, !members.contains_key("typ"));
    for more in [r#"{"crit":["b64"],"b64":false,"#, r#"{"alg":"none","#, r#"{"\u0061lg":"RS256","#, r#"{"crit":null,"#]
    {
        let more = String::from_utf8_lossy(text).replacen('{', more, 1);
        assert!(Header::parse(more.as_bytes()).is_err(), "{more}");
    }
}

fn a_signed_token_is_judged_as_the_reference_judges_it(header: &[u8], payload: &[u8], signer: usize, change: u16) {
    let token = WORLD.signers[signer].sign(header, payload);
    // The same token again at other times: what is remembered of it must not let it pass for longer, nor stop it sooner.
    for now in [NOW, NOW + 1, NOW + 3600, NOW - 1, NOW] {
        let wanted = reference(header, payload, signer, now);
        assert_eq!(is_accepted_at(&token, now), wanted, "at {now}: {}\n{}", show(header), show(payload));
    }
    let got = is_accepted(&token);
    if let Ok(token) = AccessToken::parse(token.as_bytes()) {
        what_parses_has_one_spelling(token);
    }
    assert!(!is_accepted(&WORLD.signers[1 - signer].sign(header, payload)) || !got, "two issuers vouch for one token");
    any_changed_byte_denies(&token, change);
}

fn any_changed_byte_denies(token: &str, change: u16) {
    let mut bytes = token.as_bytes().to_vec();
    let at = usize::from(change) % bytes.len();
    let other = b"Aaz_-.=~"[usize::from(change >> 12) % 8];
    if bytes[at] != other {
        bytes[at] = other;
        assert!(!is_accepted(&String::from_utf8_lossy(&bytes)), "byte {at} may as well be {other}");
    }
    bytes.truncate(at);
    assert!(!is_accepted(&String::from_utf8_lossy(&bytes)), "its first {at} bytes are enough");
}

fn show(text: &[u8]) -> String {
    String::from_utf8_lossy(text).into_owned()
}

/// Design, section 3, in the order of its words, for an issuer with the key `a` of its own.
fn reference(header: &[u8], payload: &[u8], signer: usize, now: i64) -> bool {
    if header.len() > limits::TOKEN_HEADER_BYTES || payload.len() > limits::TOKEN_CLAIMS_BYTES {
        return false;
    }
    let token_bytes = [header.len(), payload.len(), 64].map(|bytes| (bytes * 4).div_ceil(3)).iter().sum::<usize>() + 2;
    let (Some(header), Some(claims)) = (strict_object(header), strict_object(payload)) else { return false };
    let is_strict = signer == 1;
    token_bytes <= limits::TOKEN_BYTES
        && claims.get("iss").is_some_and(|issuer| issuer == NAMES[signer])
        && header_is_good(&header, is_strict)
        && is_an_access_token(&claims)
        && times_are_good(&claims, is_strict, now)
        && audience_is_good(&claims, is_strict)
        && claims.get("sub").is_none_or(is_name)
        && (!is_strict || ["sub", "client_id", "jti"].iter().all(|name| claims.get(*name).is_some_and(is_name)))
}

fn is_name(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.len() <= limits::NAME_CLAIM_BYTES)
}

fn header_is_good(header: &Map<String, Value>, is_strict: bool) -> bool {
    let algorithm = header.get("alg").and_then(Value::as_str);
    let key = header.get("kid").is_none_or(|kid| kid == "a");
    let kind = header.get("typ").map(|typ| typ.as_str().unwrap_or("?").to_ascii_lowercase());
    let kind = kind.as_deref().map(|kind| kind.strip_prefix("application/").unwrap_or(kind));
    let kind_is_good =
        if is_strict { kind == Some("at+jwt") } else { [None, Some("jwt"), Some("at+jwt")].contains(&kind) };
    matches!(algorithm, Some("EdDSA" | "Ed25519")) && key && kind_is_good && !header.contains_key("crit")
}

fn is_an_access_token(claims: &Map<String, Value>) -> bool {
    let other = ["at_hash", "c_hash", "s_hash", "events", "cnf"].iter().any(|name| claims.contains_key(*name));
    let kinds = ["id", "refresh", "offline", "logout", "serialized-id"];
    let is_other = |kind: &str| kind.len() > limits::NAME_CLAIM_BYTES || kinds.contains(&&*kind.to_ascii_lowercase());
    let keycloak = claims.get("typ").is_some_and(|kind| kind.as_str().is_none_or(is_other));
    let cognito = claims.get("token_use").is_some_and(|kind| kind != "access");
    !other && !keycloak && !cognito
}

fn times_are_good(claims: &Map<String, Value>, is_strict: bool, now: i64) -> bool {
    // Milliseconds; anything but a number within bounds is refused wherever it stands.
    let date = |name: &str| match claims.get(name) {
        None => Ok(None),
        Some(value) => {
            let seconds = value.as_f64().filter(|seconds| (0.0..=limits::NUMERIC_DATE_SECONDS).contains(seconds));
            seconds.map(|seconds| Some((seconds * 1000.0).floor() as i64)).ok_or(())
        }
    };
    let (Ok(Some(exp)), Ok(nbf), Ok(iat)) = (date("exp"), date("nbf"), date("iat")) else { return false };
    let now = now * 1000;
    let age_is_good = !is_strict || iat.is_some_and(|iat| now <= iat + 3_600_000);
    now < exp && nbf.is_none_or(|nbf| nbf <= now) && iat.is_none_or(|iat| iat <= now) && age_is_good
}

fn audience_is_good(claims: &Map<String, Value>, is_strict: bool) -> bool {
    let is_wanted = |value: &Value| value == "api" || (!is_strict && value == "other");
    match claims.get("aud") {
        Some(Value::Array(items)) => items.iter().all(Value::is_string) && items.iter().any(is_wanted),
        Some(value) => is_wanted(value),
        None => false,
    }
}
