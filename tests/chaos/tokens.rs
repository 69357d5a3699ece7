//! The tokens of one issuer, good and bad, and what each must be answered with.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use parking_lot::{Mutex, MutexGuard};
use portcullis_demo::issuer::{Alg, DemoIssuer, TokenRequest};
use serde_json::json;

use super::{Failure, judge::Identity, random::Random};

/// The audience of the stack's policy.
pub(crate) const AUDIENCE: &str = "https://api.example.com";
/// The scope of its scoped route.
pub(crate) const SCOPE: &str = "read:messages";
/// Good tokens of one generation of keys that are shown again and again; others are made for one request each.
const POOL: u64 = 96;
/// Seconds until these tokens expire: longer than any run.
const POOL_SECONDS: i64 = 48 * 3600;

/// Returns how the token of that number is signed: each way has a key of its own.
const fn algorithm(number: u64) -> Alg {
    match number % 8 {
        // RSA takes the issuer most of its time.
        0 => Alg::Rs256,
        1..4 => Alg::EdDsa,
        _ => Alg::Es256,
    }
}

/// A good token and whom it is about.
#[derive(Clone, Debug)]
pub(crate) struct Good {
    /// The compact form of the token.
    pub(crate) token: String,
    /// The identity that the upstream must see.
    pub(crate) identity: Identity,
}

/// The tokens of one issuer. Cheap to share.
#[derive(Debug)]
pub(crate) struct Tokens {
    issuer: Arc<DemoIssuer>,
    pools: Mutex<Pools>,
    /// True while the keys that the issuer signs with are known ones.
    steady: AtomicBool,
}

#[derive(Debug, Default)]
struct Pools {
    /// Tokens of keys that Portcullis has.
    known: Vec<Good>,
    /// Tokens of keys that were published just now.
    new: Vec<Good>,
    /// The number of tokens made so far, so that each has a subject of its own.
    made: u64,
}

impl Tokens {
    /// Makes the first ones, by the issuer's current keys.
    pub(crate) fn new(issuer: Arc<DemoIssuer>) -> Result<Self, Failure> {
        let tokens = Self { issuer, pools: Mutex::default(), steady: AtomicBool::new(true) };
        let pool = tokens.fill()?;
        tokens.pools().known = pool;
        Ok(tokens)
    }

    /// Returns the issuer's name.
    pub(crate) fn issuer(&self) -> &str {
        self.issuer.issuer()
    }

    /// Says whether the keys that the issuer signs with are known ones.
    pub(crate) fn set_steady(&self, steady: bool) {
        self.steady.store(steady, Ordering::Relaxed);
    }

    /// Tells whether the keys that the issuer signs with are known ones.
    pub(crate) fn is_steady(&self) -> bool {
        self.steady.load(Ordering::Relaxed)
    }

    /// Makes tokens by keys that the issuer has published just now; those of the keys before stay in use.
    pub(crate) fn publish_new(&self) -> Result<(), Failure> {
        let pool = self.fill()?;
        self.pools().new = pool;
        Ok(())
    }

    /// Takes the new tokens for known ones, in place of those before.
    pub(crate) fn adopt_new(&self) {
        let mut pools = self.pools();
        if !pools.new.is_empty() {
            pools.known = std::mem::take(&mut pools.new);
        }
        drop(pools);
        self.set_steady(true);
    }

    /// Replaces all tokens by those of the current keys.
    pub(crate) fn renew(&self) -> Result<(), Failure> {
        self.publish_new()?;
        self.adopt_new();
        Ok(())
    }

    /// Returns a token of a known key.
    pub(crate) fn known(&self, random: &mut Random) -> Option<Good> {
        let pools = self.pools();
        pools.known.get(random.below(pools.known.len())).cloned()
    }

    /// Returns a token of a new key, where there is one.
    pub(crate) fn new_key(&self, random: &mut Random) -> Option<Good> {
        let pools = self.pools();
        pools.new.get(random.below(pools.new.len())).cloned()
    }

    /// Makes a token that was never shown before.
    pub(crate) fn fresh(&self, request: TokenRequest) -> Result<Good, Failure> {
        let made = {
            let mut pools = self.pools();
            pools.made += 1;
            pools.made
        };
        let subject = format!("user-{made}");
        let request = request.subject(&subject).alg(algorithm(made));
        let identity = self.identity(subject, request.scope.clone());
        Ok(Good { token: self.issuer.mint(&request)?, identity })
    }

    fn fill(&self) -> Result<Vec<Good>, Failure> {
        let mut pool = Vec::new();
        for at in 0..POOL {
            let subject = format!("client-{at}-{:016x}", self.pools().made);
            let request =
                TokenRequest::new().subject(&subject).scope(SCOPE).alg(algorithm(at)).expires_in(POOL_SECONDS);
            let identity = self.identity(subject, Some(SCOPE.to_owned()));
            pool.push(Good { token: self.issuer.mint(&request)?, identity });
        }
        self.pools().made += 1;
        Ok(pool)
    }

    fn identity(&self, subject: String, scopes: Option<String>) -> Identity {
        Identity {
            subject: Some(subject),
            scopes,
            issuer: Some(self.issuer().to_owned()),
            client_id: Some("demo-client".to_owned()),
        }
    }

    fn pools(&self) -> MutexGuard<'_, Pools> {
        self.pools.lock()
    }
}

/// Returns the token with another signature of the same length.
pub(crate) fn false_signature(token: &str, random: &mut Random) -> String {
    let (input, signature) = token.rsplit_once('.').unwrap_or((token, ""));
    let mut bytes = URL_SAFE_NO_PAD.decode(signature).unwrap_or_default();
    let at = random.below(bytes.len());
    for byte in bytes.iter_mut().skip(at).take(8) {
        *byte ^= u8::try_from(1 + random.below(255)).unwrap_or(1);
    }
    format!("{input}.{}", URL_SAFE_NO_PAD.encode(bytes))
}

/// Returns one token's claims with another token's signature.
pub(crate) fn foreign_signature(claims: &str, signature: &str) -> String {
    let (input, _) = claims.rsplit_once('.').unwrap_or((claims, ""));
    let (_, signature) = signature.rsplit_once('.').unwrap_or(("", signature));
    format!("{input}.{signature}")
}

/// Returns a token of that issuer with a `kid` that was never published, and a signature of random bytes.
pub(crate) fn unknown_kid(issuer: &str, random: &mut Random) -> String {
    let header = json!({ "typ": "at+jwt", "alg": "ES256", "kid": format!("es256-{:016x}", random.next()) });
    let claims = json!({
        "iss": issuer, "aud": AUDIENCE, "sub": "forger", "client_id": "forger", "scope": SCOPE,
        "iat": 1_700_000_000, "exp": 4_000_000_000_u64, "jti": format!("{:016x}", random.next()),
    });
    let signature: Vec<u8> = (0..8).flat_map(|_| random.next().to_be_bytes()).collect();
    let encode = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.{}", encode(header), encode(claims), URL_SAFE_NO_PAD.encode(signature))
}
