//! Signs tokens with keys made for one rehearsal, so that the real verifier verifies them with the public halves.
//!
//! Each issuer has keys of its own, made when the first token needs them: the cheapest kind that its algorithms allow.
//! RSA keys are slow to make, so there is one, and every issuer that needs it has it under another `kid`.

pub mod pair;

use std::{collections::BTreeMap, sync::Arc};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};

use self::pair::{KeyPair, Kind};
use super::request::{Recipe, Signature};
use portcullis_engine::{
    jwt::issuer_rules::IssuerRules,
    keys::{algorithm::Algorithm, key_set::KeySet, secret::Secret},
};

/// Why no token was made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MintError {
    /// The crypto library failed.
    #[error("the crypto library can't make a key or sign with it")]
    Crypto,
    /// The keys that were made can't be used, for that reason.
    #[error("the keys made for this request can't be used: {0}")]
    Keys(String),
    /// A recipe names an issuer that is not configured.
    #[error("`{0}` is not an issuer of this configuration")]
    UnknownIssuer(String),
}

impl From<aws_lc_rs::error::Unspecified> for MintError {
    fn from(_: aws_lc_rs::error::Unspecified) -> Self {
        Self::Crypto
    }
}

/// The keys of one issuer.
#[derive(Debug, Default)]
struct Pairs {
    number: usize,
    pairs: BTreeMap<Kind, Arc<KeyPair>>,
    secret: Option<Secret>,
}

impl Pairs {
    fn kid(&self, kind: Kind) -> String {
        let kind = match kind {
            Kind::Ed25519 => "ed25519",
            Kind::P256 => "p-256",
            Kind::P384 => "p-384",
            Kind::P521 => "p-521",
            Kind::Rsa => "rsa",
        };
        format!("rehearsal-{}-{kind}", self.number)
    }
}

/// Makes keys and signs with them.
#[derive(Debug, Default)]
pub struct Mint {
    issuers: BTreeMap<Arc<str>, Pairs>,
    rsa: Option<Arc<KeyPair>>,
}

impl Mint {
    /// A mint without keys.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes the key that an issuer needs for an algorithm. True if there was none yet: the issuer's set is another one
    /// then.
    ///
    /// # Errors
    /// [`MintError::Crypto`].
    pub fn prepare(&mut self, issuer: &Arc<str>, algorithm: Algorithm) -> Result<bool, MintError> {
        let number = self.issuers.len();
        let pairs = self.issuers.entry(Arc::clone(issuer)).or_insert_with(|| Pairs { number, ..Pairs::default() });
        let Some(kind) = Kind::of(algorithm) else {
            if pairs.secret.is_some() {
                return Ok(false);
            }
            pairs.secret = Some(Secret::new(pair::secret()?));
            return Ok(true);
        };
        if pairs.pairs.contains_key(&kind) {
            return Ok(false);
        }
        let pair = match (kind, &self.rsa) {
            (Kind::Rsa, Some(rsa)) => Arc::clone(rsa),
            (Kind::Rsa, None) => Arc::clone(self.rsa.insert(Arc::new(KeyPair::generate(kind)?))),
            (Kind::Ed25519 | Kind::P256 | Kind::P384 | Kind::P521, _) => Arc::new(KeyPair::generate(kind)?),
        };
        pairs.pairs.insert(kind, pair);
        Ok(true)
    }

    /// The public halves of an issuer's keys, as the verifier takes them; `None` before the first key.
    ///
    /// # Errors
    /// [`MintError::Keys`]: a bug.
    pub fn key_set(&self, rules: &IssuerRules) -> Result<Option<KeySet>, MintError> {
        let Some(pairs) = self.issuers.get(&rules.issuer) else { return Ok(None) };
        let algorithms = rules.algorithms.as_slice();
        if let Some(secret) = &pairs.secret {
            return Ok(Some(KeySet::from_secret(secret, algorithms)));
        }
        let keys: Vec<Value> = pairs.pairs.iter().map(|(kind, pair)| named(pair.jwk(), pairs.kid(*kind))).collect();
        if keys.is_empty() {
            return Ok(None);
        }
        let set = KeySet::parse(json!({ "keys": keys }).to_string().as_bytes(), algorithms);
        set.map(Some).map_err(|error| MintError::Keys(error.to_string()))
    }

    /// The header and the claims of a recipe, signed by that issuer's key.
    ///
    /// # Errors
    /// [`MintError::Crypto`], also if the key was not prepared.
    pub fn sign(&self, rules: &IssuerRules, recipe: &Recipe) -> Result<String, MintError> {
        let algorithm = algorithm_of(rules, recipe);
        let pairs = self.issuers.get(&rules.issuer).ok_or(MintError::Crypto)?;
        let mut header = Map::new();
        header.insert("alg".to_owned(), algorithm.name().into());
        if let Some(kind) = Kind::of(algorithm) {
            header.insert("kid".to_owned(), pairs.kid(kind).into());
        }
        for (name, value) in &recipe.header {
            match value {
                Value::Null => header.remove(name),
                value => header.insert(name.clone(), value.clone()),
            };
        }
        let claims = Value::Object(recipe.claims.clone()).to_string();
        self.compact(
            rules,
            algorithm,
            Value::Object(header).to_string().as_bytes(),
            claims.as_bytes(),
            recipe.signature,
        )
    }

    /// Any two texts as a compact JWS (RFC 7515 section 7.1).
    ///
    /// # Errors
    /// [`MintError::Crypto`], also if the key was not prepared.
    pub fn compact(
        &self,
        rules: &IssuerRules,
        algorithm: Algorithm,
        header: &[u8],
        claims: &[u8],
        signature: Signature,
    ) -> Result<String, MintError> {
        let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        let mut bytes = match signature {
            Signature::Good | Signature::Forged => self.signature(&rules.issuer, algorithm, message.as_bytes())?,
            Signature::Absent => Vec::new(),
        };
        if let (Signature::Forged, Some(first)) = (signature, bytes.first_mut()) {
            *first ^= 1;
        }
        Ok(format!("{message}.{}", URL_SAFE_NO_PAD.encode(bytes)))
    }

    fn signature(&self, issuer: &str, algorithm: Algorithm, message: &[u8]) -> Result<Vec<u8>, MintError> {
        let pairs = self.issuers.get(issuer).ok_or(MintError::Crypto)?;
        Ok(match Kind::of(algorithm) {
            Some(kind) => pairs.pairs.get(&kind).ok_or(MintError::Crypto)?.sign(algorithm, message)?,
            None => {
                let secret = pairs.secret.as_ref().ok_or(MintError::Crypto)?;
                pair::sign_hmac(secret.expose(), algorithm, message)?
            }
        })
    }
}

/// How a recipe's token is signed: as its header says, if that is one of the issuer's algorithms, else as is cheapest.
#[must_use]
pub fn algorithm_of(rules: &IssuerRules, recipe: &Recipe) -> Algorithm {
    let allowed = rules.algorithms.as_slice();
    let asked = recipe.header.get("alg").and_then(Value::as_str).and_then(Algorithm::from_name);
    asked.filter(|asked| allowed.contains(asked)).unwrap_or_else(|| cheapest(allowed))
}

/// The algorithm that takes the least time to sign with.
fn cheapest(allowed: &[Algorithm]) -> Algorithm {
    // HMAC before all others: it stands alone anyway.
    allowed.iter().copied().min_by_key(|algorithm| Kind::of(*algorithm)).unwrap_or(Algorithm::EdDSA)
}

fn named(mut jwk: Value, kid: String) -> Value {
    if let Some(members) = jwk.as_object_mut() {
        members.insert("kid".to_owned(), kid.into());
        members.insert("use".to_owned(), "sig".into());
    }
    jwk
}

#[cfg(test)]
mod tests;
