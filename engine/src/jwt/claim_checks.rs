//! What an issuer's rules say about the claims of a token whose signature is true.
#![deny(clippy::wildcard_enum_match_arm, clippy::arithmetic_side_effects)]

use std::{ops::Range, time::Duration};

use serde_json::Value;

use crate::{
    jwt::{claims::Claims, header::TokenType, issuer_rules::IssuerRules},
    oauth::scope::ScopeSet,
    reason::TokenFault,
    time::UnixTime,
};

/// What was read while checking.
pub(crate) struct Facts<'c> {
    pub(crate) subject: Option<&'c str>,
    pub(crate) client_id: Option<&'c str>,
    pub(crate) scopes: ScopeSet<'static>,
    pub(crate) times: Times,
}

/// What the times of a token say.
pub(crate) struct Times {
    pub(crate) expires_at: UnixTime,
    /// The moments at which all of them are fulfilled; this one is among them.
    pub(crate) valid: Range<UnixTime>,
}

/// Checks claims at that moment.
///
/// # Errors
/// The first fault, in the order of this function.
pub(crate) fn check<'c>(
    claims: &'c Claims,
    token_type: TokenType,
    rules: &IssuerRules,
    now: UnixTime,
) -> Result<Facts<'c>, TokenFault> {
    check_kind(claims, token_type, rules)?;
    claims.check_audience(&rules.audience_claim, rules.audiences.as_slice())?;
    let times = check_times(claims, rules, now)?;
    let subject = claims.name("sub")?;
    check_identifiers(claims, rules)?;
    if rules.strict {
        check_rfc_9068(claims)?;
    }
    let client_id = client_id(claims, rules);
    check_client(claims, rules)?;
    if !rules.claims.iter().all(|rule| rule.is_met_by(claims)) {
        return Err(TokenFault::ClaimRule);
    }
    let scopes = claims.scopes(&rules.scope_claims);
    Ok(Facts { subject, client_id, scopes, times })
}

/// What Keycloak calls its tokens that are no access tokens.
const KEYCLOAK_KINDS: [&str; 5] = ["ID", "Refresh", "Offline", "Logout", "Serialized-ID"];

/// Refuses what is signed by the issuer and not an access token, and tokens that are bound to a key.
fn check_kind(claims: &Claims, token_type: TokenType, rules: &IssuerRules) -> Result<(), TokenFault> {
    match token_type {
        TokenType::AccessToken => {}
        TokenType::Absent | TokenType::Jwt if rules.strict => return Err(TokenFault::TypeNotAllowed),
        TokenType::Absent | TokenType::Jwt => {}
    }
    // ID tokens: OpenID Connect Core section 3.1.3.6 and 3.3.2.11, FAPI 1.0 part 2 section 5.1.1. Events: Back-Channel
    // Logout section 2.4 and RFC 8417.
    if ["at_hash", "c_hash", "s_hash", "events"].iter().any(|claim| claims.has(claim)) {
        return Err(TokenFault::NotAnAccessToken);
    }
    // Keycloak writes the kind of a token into a claim `typ`, Amazon Cognito into `token_use`.
    let keycloak_kind = claims.name("typ")?.unwrap_or_default();
    if KEYCLOAK_KINDS.iter().any(|kind| kind.eq_ignore_ascii_case(keycloak_kind)) {
        return Err(TokenFault::NotAnAccessToken);
    }
    if claims.get("token_use").is_some_and(|kind| kind != "access") {
        return Err(TokenFault::NotAnAccessToken);
    }
    // RFC 7800: whoever can't show the key is not who the token was given to. Binding is not checked yet.
    if claims.has("cnf") {
        return Err(TokenFault::Bound);
    }
    Ok(())
}

fn check_times(claims: &Claims, rules: &IssuerRules, now: UnixTime) -> Result<Times, TokenFault> {
    let tolerance = rules.clock_tolerance;
    let expires_at = claims.date("exp")?.ok_or(TokenFault::MalformedClaims)?;
    let mut valid = UnixTime::from_millis(i64::MIN)..expires_at.plus(tolerance);
    if now >= valid.end {
        return Err(TokenFault::Expired);
    }
    let issued_at = claims.date("iat")?;
    for (earliest, fault) in [(claims.date("nbf")?, TokenFault::NotYetValid), (issued_at, TokenFault::IssuedInFuture)] {
        let Some(earliest) = earliest.map(|earliest| earliest.minus(tolerance)) else { continue };
        if now < earliest {
            return Err(fault);
        }
        valid.start = valid.start.max(earliest);
    }
    if let Some(most) = rules.max_token_age {
        let issued_at = issued_at.ok_or(TokenFault::MalformedClaims)?;
        let oldest = issued_at.plus(most).plus(tolerance);
        if now > oldest {
            return Err(TokenFault::TooOld);
        }
        valid.end = valid.end.min(oldest.plus(Duration::from_millis(1)));
    }
    Ok(Times { expires_at, valid })
}

/// RFC 9068 section 2.2 and RFC 7519 section 4.1.7 make these strings: one of another type is malformed, and not as if it were
/// absent. The claim with the audience has a check of its own.
fn check_identifiers(claims: &Claims, rules: &IssuerRules) -> Result<(), TokenFault> {
    let mut judged = ["client_id", "jti"].into_iter().filter(|claim| rules.audience_claim != *claim);
    judged.try_for_each(|claim| claims.text(claim).map(|_| ()))
}

/// RFC 9068 section 2.2: what an access token in its profile must have, beyond `iss`, `aud` and `exp`.
fn check_rfc_9068(claims: &Claims) -> Result<(), TokenFault> {
    for claim in ["sub", "client_id", "jti"] {
        claims.name(claim)?.ok_or(TokenFault::MalformedClaims)?;
    }
    claims.date("iat")?.ok_or(TokenFault::MalformedClaims).map(|_| ())
}

/// Refuses tokens of clients that are not listed, if there is a list. Every claim that names the client must agree: not
/// each of them is the provider's alone to write.
fn check_client(claims: &Claims, rules: &IssuerRules) -> Result<(), TokenFault> {
    let Some(clients) = &rules.clients else { return Ok(()) };
    let mut named = rules.client_id_claims.iter().filter_map(|claim| claims.get(claim)).peekable();
    let is_listed = |value: &Value| value.as_str().is_some_and(|id| clients.as_slice().iter().any(|one| one == id));
    if named.peek().is_some() && named.all(is_listed) { Ok(()) } else { Err(TokenFault::ClientNotAllowed) }
}

/// What the first of the issuer's claims that is there says. One of another type or over-long names nobody, and the next
/// one doesn't stand in for it: the provider may mean somebody else by that.
pub(crate) fn client_id<'c>(claims: &'c Claims, rules: &IssuerRules) -> Option<&'c str> {
    let named = rules.client_id_claims.iter().find(|claim| claims.has(claim))?;
    claims.name(named).ok().flatten()
}
