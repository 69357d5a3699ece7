//! From the characters a client sent to a [`VerifiedToken`]: every check, in the order of the design, section 3.
//!
//! SECURITY: the order matters. The issuer is known before any key is looked for, so that a foreign token costs no
//! fetch; the key is looked for within that issuer only, so that one issuer's key never vouches for another's token;
//! claims are judged only after the signature, so that answers about them are never about a forger's text.
#![deny(clippy::wildcard_enum_match_arm, clippy::arithmetic_side_effects)]

use std::{collections::HashMap, sync::Arc};

use serde_json::Value;

use super::{
    claims::Claims,
    compact::Compact,
    header::{Header, TokenType},
    issuer_rules::IssuerRules,
};
use crate::{
    bearer::access_token::AccessToken,
    clock::UnixTime,
    decision::TokenFault,
    jwks::{
        key_set::Selection,
        key_store::{Generation, KeyLookup},
    },
    policy::scope::ScopeSet,
};

/// The proof that a token was checked. Only [`Verifier::verify`] makes one.
///
/// It says: signature and issuer-level claims are true at the time of the check. What a route asks is not in it.
#[derive(Clone)]
pub struct VerifiedToken {
    issuer: Arc<str>,
    subject: Option<String>,
    client_id: Option<String>,
    scopes: ScopeSet,
    expires_at: UnixTime,
    claims: Claims,
}

/// Why there is no [`VerifiedToken`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unverified {
    /// The token is refused.
    Refused(TokenFault),
    /// It can't be judged with the keys that are here; newer ones may help.
    KeyMissing(MissingKey),
}

/// What is known of a token whose key is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingKey {
    /// Whose key.
    pub issuer: Arc<str>,
    /// Which generation of the issuer's keys was looked at.
    pub seen: Generation,
    /// What is wrong with the token if there are no newer keys.
    pub fault: TokenFault,
}

/// Verifies tokens of the configured issuers.
#[derive(Debug)]
pub struct Verifier {
    issuers: HashMap<Arc<str>, IssuerRules>,
}

impl From<TokenFault> for Unverified {
    fn from(fault: TokenFault) -> Self {
        Self::Refused(fault)
    }
}

impl Verifier {
    /// A verifier of these issuers.
    #[must_use]
    pub fn new(issuers: impl IntoIterator<Item = IssuerRules>) -> Self {
        Self { issuers: issuers.into_iter().map(|rules| (Arc::clone(&rules.issuer), rules)).collect() }
    }

    /// Verifies a token with the keys that are here, at that moment.
    ///
    /// # Errors
    /// [`Unverified`]: the client's fault, or a key that may be had.
    pub fn verify(
        &self,
        token: AccessToken<'_>,
        keys: &dyn KeyLookup,
        now: UnixTime,
    ) -> Result<VerifiedToken, Unverified> {
        let compact = Compact::parse(token)?;
        let header = Header::parse(&compact.header)?;
        let claims = Claims::parse(&compact.payload)?;
        let rules = self.issuer_of(&claims)?;
        if !rules.algorithms.as_slice().contains(&header.algorithm) {
            return Err(TokenFault::AlgorithmNotAllowed.into());
        }
        check_signature(&compact, &header, rules, keys)?;
        Ok(check_claims(claims, header.token_type, rules, now)?)
    }

    fn issuer_of(&self, claims: &Claims) -> Result<&IssuerRules, TokenFault> {
        let issuer = claims.name("iss")?.ok_or(TokenFault::MalformedClaims)?;
        self.issuers.get(issuer).ok_or(TokenFault::UnknownIssuer)
    }
}

fn check_signature(
    compact: &Compact<'_>,
    header: &Header,
    rules: &IssuerRules,
    keys: &dyn KeyLookup,
) -> Result<(), Unverified> {
    let missing = |seen, fault| Unverified::KeyMissing(MissingKey { issuer: Arc::clone(&rules.issuer), seen, fault });
    let Some(snapshot) = keys.current(&rules.issuer) else {
        return Err(missing(Generation::NONE, TokenFault::UnknownKey));
    };
    match snapshot.set.select(header.kid.as_deref(), header.algorithm) {
        Selection::Several => Err(TokenFault::AmbiguousKey.into()),
        Selection::None => Err(missing(snapshot.generation, TokenFault::UnknownKey)),
        Selection::One(key) => {
            let message = compact.signing_input.as_bytes();
            if key.verify(header.algorithm, message, &compact.signature) {
                Ok(())
            } else {
                // A provider may have replaced the key under its `kid`.
                Err(missing(snapshot.generation, TokenFault::BadSignature))
            }
        }
    }
}

fn check_claims(
    claims: Claims,
    token_type: TokenType,
    rules: &IssuerRules,
    now: UnixTime,
) -> Result<VerifiedToken, TokenFault> {
    check_kind(&claims, token_type, rules)?;
    claims.check_audience(&rules.audience_claim, rules.audiences.as_slice())?;
    let expires_at = check_times(&claims, rules, now)?;
    let subject = claims.name("sub")?.map(str::to_owned);
    let client_id = client_id(&claims, rules);
    if rules.strict {
        check_rfc_9068(&claims)?;
    }
    if let Some(clients) = &rules.clients
        && !client_id.as_ref().is_some_and(|id| clients.as_slice().contains(id))
    {
        return Err(TokenFault::ClientNotAllowed);
    }
    if !rules.claims.iter().all(|rule| rule.is_met_by(&claims)) {
        return Err(TokenFault::ClaimRule);
    }
    let scopes = claims.scopes(&rules.scope_claims)?;
    Ok(VerifiedToken { issuer: Arc::clone(&rules.issuer), subject, client_id, scopes, expires_at, claims })
}

/// Refuses what is signed by the issuer and not an access token, and tokens that are bound to a key.
fn check_kind(claims: &Claims, token_type: TokenType, rules: &IssuerRules) -> Result<(), TokenFault> {
    match token_type {
        TokenType::AccessToken => {}
        TokenType::Absent | TokenType::Jwt if rules.strict => return Err(TokenFault::TypeNotAllowed),
        TokenType::Absent | TokenType::Jwt => {}
    }
    // OpenID Connect Core section 3.1.3.6 (ID tokens), Back-Channel Logout section 2.4 and RFC 8417 (events).
    if ["at_hash", "c_hash", "events"].iter().any(|claim| claims.has(claim)) {
        return Err(TokenFault::NotAnAccessToken);
    }
    // Keycloak writes the kind of a token into a claim `typ`, Amazon Cognito into `token_use`.
    let keycloak_kind = claims.get("typ").and_then(Value::as_str);
    if keycloak_kind.is_some_and(|kind| ["ID", "Refresh", "Offline", "Logout"].contains(&kind)) {
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

fn check_times(claims: &Claims, rules: &IssuerRules, now: UnixTime) -> Result<UnixTime, TokenFault> {
    let tolerance = rules.clock_tolerance;
    let expires_at = claims.date("exp")?.ok_or(TokenFault::MalformedClaims)?;
    if now >= expires_at.plus(tolerance) {
        return Err(TokenFault::Expired);
    }
    if claims.date("nbf")?.is_some_and(|not_before| not_before > now.plus(tolerance)) {
        return Err(TokenFault::NotYetValid);
    }
    let issued_at = claims.date("iat")?;
    if issued_at.is_some_and(|issued_at| issued_at > now.plus(tolerance)) {
        return Err(TokenFault::IssuedInFuture);
    }
    if let Some(most) = rules.max_token_age {
        let issued_at = issued_at.ok_or(TokenFault::MalformedClaims)?;
        if now > issued_at.plus(most).plus(tolerance) {
            return Err(TokenFault::TooOld);
        }
    }
    Ok(expires_at)
}

/// RFC 9068 section 2.2: what an access token in its profile must have, beyond `iss`, `aud` and `exp`.
fn check_rfc_9068(claims: &Claims) -> Result<(), TokenFault> {
    for claim in ["sub", "client_id", "jti"] {
        claims.name(claim)?.ok_or(TokenFault::MalformedClaims)?;
    }
    claims.date("iat")?.ok_or(TokenFault::MalformedClaims).map(|_| ())
}

/// The first of the issuer's claims that is a string. One of another type or over-long names nobody.
fn client_id(claims: &Claims, rules: &IssuerRules) -> Option<String> {
    let mut named = rules.client_id_claims.iter().filter_map(|claim| claims.name(claim).ok().flatten());
    named.next().map(str::to_owned)
}

impl VerifiedToken {
    /// `iss`
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// `sub`
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        self.subject.as_deref()
    }

    /// Whom the token was given to.
    #[must_use]
    pub fn client_id(&self) -> Option<&str> {
        self.client_id.as_deref()
    }

    /// Its scopes.
    #[must_use]
    pub fn scopes(&self) -> &ScopeSet {
        &self.scopes
    }

    /// `exp`
    #[must_use]
    pub fn expires_at(&self) -> UnixTime {
        self.expires_at
    }

    /// All its claims.
    #[must_use]
    pub fn claims(&self) -> &Claims {
        &self.claims
    }

    /// A token that nobody verified, for unit tests of what comes after.
    #[cfg(test)]
    #[expect(clippy::needless_pass_by_value, reason = "json!() at the call reads better")]
    pub(crate) fn for_tests(claims: Value) -> Self {
        let claims = Claims::parse(claims.to_string().as_bytes()).unwrap();
        let scopes = claims.scopes(&["scope".to_owned()]).unwrap();
        let subject = claims.name("sub").unwrap().map(str::to_owned);
        let client_id = claims.name("client_id").unwrap().map(str::to_owned);
        Self {
            issuer: "https://issuer.test/".into(),
            subject,
            client_id,
            scopes,
            expires_at: UnixTime::from_secs(0),
            claims,
        }
    }
}

impl std::fmt::Debug for VerifiedToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VerifiedToken").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
