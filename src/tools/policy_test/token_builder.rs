//! From a recipe to a token: what the issuer's rules ask for, what the test says, and at last its fault, so that the
//! token is refused for that and nothing else.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};

use super::{case::Recipe, fault::Fault};
use crate::tools::simulate::request;
use portcullis_engine::{jwt::issuer_rules::IssuerRules, time::UnixTime};

/// An hour: more than any clock tolerance.
const HOUR: i64 = 3600;
/// What nobody configures.
const ANOTHER_AUDIENCE: &str = "urn:portcullis:test:another-audience";
const ANOTHER_ISSUER: &str = "urn:portcullis:test:another-issuer";
const ANOTHER: &str = "portcullis-test-another";

/// A token to be.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Made {
    /// By this recipe.
    Signed(request::Recipe),
    /// By this recipe, its claims changed afterwards.
    Tampered(request::Recipe),
    /// These characters.
    Text(&'static str),
}

/// The token of a recipe at a moment.
///
/// # Errors
/// The issuer's rules leave no room for its fault: what would have to be configured.
pub(crate) fn made(recipe: &Recipe, rules: &IssuerRules, at: UnixTime) -> Result<Made, &'static str> {
    let mut made = request::Recipe::usual(rules, at);
    say(&mut made, recipe, rules, at.as_secs());
    let Some(fault) = recipe.fault else { return Ok(Made::Signed(made)) };
    match fault {
        Fault::Opaque => return Ok(Made::Text("opaque-reference-token")),
        Fault::Encrypted => return Ok(Made::Text("e30.e30.e30.e30.e30")),
        Fault::Malformed => return Ok(Made::Text("bm90.anNvbg.e30")),
        Fault::Tampered => return Ok(Made::Tampered(made)),
        Fault::Forged => made.signature = request::Signature::Forged,
        Fault::Unsigned => {
            made.header.insert("alg".to_owned(), "none".into());
            made.signature = request::Signature::Absent;
        }
        Fault::CriticalHeader => set(&mut made.header, "crit", json!(["b64"])),
        Fault::WrongType => set(&mut made.header, "typ", json!("dpop+jwt")),
        Fault::UnknownKey => set(&mut made.header, "kid", json!(ANOTHER)),
        _ => spoil(&mut made.claims, fault, rules, at.as_secs())?,
    }
    Ok(Made::Signed(made))
}

/// What the test says.
fn say(made: &mut request::Recipe, recipe: &Recipe, rules: &IssuerRules, now: i64) {
    let claims = &mut made.claims;
    if let Some(audience) = &recipe.audience {
        let value = if let [one] = audience.as_slice() { json!(one) } else { json!(audience) };
        set(claims, &rules.audience_claim, value);
    }
    if let (Some(scopes), Some(claim)) = (&recipe.scopes, rules.scope_claims.first()) {
        request::put(claims, claim, scopes.join(" ").into());
    }
    if let Some(subject) = &recipe.subject {
        set(claims, "sub", json!(subject));
    }
    if let (Some(client), Some(claim)) = (&recipe.client_id, rules.client_id_claims.first()) {
        set(claims, claim, json!(client));
    }
    if let Some(seconds) = recipe.expires_in {
        let expires = now.saturating_add(seconds);
        set(claims, "exp", json!(expires));
        // An expired token was issued before it expired.
        if seconds <= 0 {
            set(claims, "iat", json!(expires.saturating_sub(HOUR)));
        }
    }
    if let Some(seconds) = recipe.age {
        set(claims, "iat", json!(now.saturating_sub(seconds)));
    }
    for (name, value) in &recipe.claims {
        if value.is_null() {
            claims.remove(name);
        } else {
            set(claims, name, value.clone());
        }
    }
    if let Some(algorithm) = recipe.alg {
        set(&mut made.header, "alg", json!(algorithm.name()));
    }
    // There, `null` takes a parameter away.
    made.header.extend(recipe.header.clone());
}

/// Faults of claims.
fn spoil(claims: &mut Map<String, Value>, fault: Fault, rules: &IssuerRules, now: i64) -> Result<(), &'static str> {
    let ago = |seconds: i64| json!(now.saturating_sub(seconds));
    match fault {
        Fault::Expired => {
            claims.extend([("iat".to_owned(), ago(2 * HOUR)), ("exp".to_owned(), ago(HOUR))]);
            claims.remove("nbf");
        }
        Fault::NotYetValid => set(claims, "nbf", ago(-HOUR)),
        Fault::IssuedInFuture => {
            claims.extend([("iat".to_owned(), ago(-HOUR)), ("exp".to_owned(), ago(-2 * HOUR))]);
            claims.remove("nbf");
        }
        Fault::TooOld => {
            let most = rules.max_token_age.ok_or("the issuer has no `max_token_age`, so no token is too old")?;
            let most = i64::try_from(most.as_secs()).unwrap_or(i64::MAX);
            set(claims, "iat", ago(most.saturating_add(HOUR)));
            claims.remove("nbf");
        }
        Fault::NoExpiry => drop(claims.remove("exp")),
        Fault::WrongAudience => set(claims, &rules.audience_claim, json!(ANOTHER_AUDIENCE)),
        Fault::UnknownIssuer => set(claims, "iss", json!(ANOTHER_ISSUER)),
        Fault::IdToken => {
            claims.extend([
                ("nonce".to_owned(), json!("n-0S6")),
                ("at_hash".to_owned(), json!("77QmUPtjPfzWtF2AnpK9RQ")),
            ]);
        }
        Fault::RefreshToken => set(claims, "typ", json!("Refresh")),
        Fault::LogoutToken => {
            set(claims, "events", json!({ "http://schemas.openid.net/event/backchannel-logout": {} }));
        }
        Fault::Bound => set(claims, "cnf", json!({ "jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I" })),
        Fault::WrongClient => {
            rules.clients.as_ref().ok_or("the issuer has no `clients`, so no client is the wrong one")?;
            let claim = rules.client_id_claims.first().ok_or("the issuer has no `client_id_claims`")?;
            set(claims, claim, json!(ANOTHER));
        }
        Fault::WrongClaim => {
            let rule = rules.claims.first().ok_or("the issuer has no `claims`, so none is wrong")?;
            claims.remove(rule.claim.name());
        }
        _ => {}
    }
    Ok(())
}

fn set(members: &mut Map<String, Value>, name: &str, value: Value) {
    members.insert(name.to_owned(), value);
}

/// A token with a claim that was not there when it was signed.
pub(crate) fn tampered(token: &str, recipe: &request::Recipe) -> String {
    let mut claims = recipe.claims.clone();
    set(&mut claims, ANOTHER, json!(true));
    let claims = URL_SAFE_NO_PAD.encode(Value::Object(claims).to_string());
    match (token.split_once('.'), token.rsplit_once('.')) {
        (Some((header, _)), Some((_, signature))) => format!("{header}.{claims}.{signature}"),
        _ => token.to_owned(),
    }
}
