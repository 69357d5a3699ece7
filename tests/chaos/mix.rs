//! The mix of requests: which kinds, how often, and what each must be answered with.

use std::sync::Arc;

use parking_lot::Mutex;
use portcullis_demo::issuer::TokenRequest;

use super::{
    Failure,
    judge::Expected,
    random::Random,
    tokens::{AUDIENCE, Good, SCOPE, Tokens, false_signature, foreign_signature, unknown_kid},
};

/// A kind of request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// A good token of a key that Portcullis has.
    Good,
    /// A good token with the scope that the route asks for.
    Scoped,
    /// A good token of a key that was published just now.
    NewKey,
    /// A public route, without a token or with a bad one.
    Public,
    /// A false signature under a known `kid`.
    Forged,
    /// The claims of one token with the signature of another.
    OtherSignature,
    /// A token that has expired.
    Expired,
    /// A token for another API.
    OtherAudience,
    /// A good token without the scope that the route asks for.
    TooLittleScope,
    /// A request without credentials.
    NoToken,
    /// A path that no route covers.
    NoRoute,
    /// A `kid` that no issuer has published.
    UnknownKid,
    /// A token that is not a JWT.
    Opaque,
}

impl Kind {
    /// Returns its name in the report.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Scoped => "scoped",
            Self::NewKey => "new-key",
            Self::Public => "public",
            Self::Forged => "forged",
            Self::OtherSignature => "other-signature",
            Self::Expired => "expired",
            Self::OtherAudience => "other-audience",
            Self::TooLittleScope => "too-little-scope",
            Self::NoToken => "no-token",
            Self::NoRoute => "no-route",
            Self::UnknownKid => "unknown-kid",
            Self::Opaque => "opaque",
        }
    }
}

/// The usual mix, in parts of a hundred.
pub(crate) const USUAL: &[(Kind, u32)] = &[
    (Kind::Good, 30),
    (Kind::Scoped, 15),
    (Kind::Public, 12),
    (Kind::Forged, 8),
    (Kind::OtherSignature, 5),
    (Kind::Expired, 6),
    (Kind::OtherAudience, 6),
    (Kind::TooLittleScope, 6),
    (Kind::NoToken, 6),
    (Kind::NoRoute, 6),
];

/// Nothing but requests that must be let through.
pub(crate) const GOOD_ONLY: &[(Kind, u32)] = &[(Kind::Good, 50), (Kind::Scoped, 30), (Kind::Public, 20)];

/// A request, and what its answer must be.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    /// The kind of the request.
    pub(crate) kind: Kind,
    /// The path of the request.
    pub(crate) path: &'static str,
    /// The value of the `authorization` header.
    pub(crate) credentials: Option<String>,
    /// The answer that it must get.
    pub(crate) expected: Expected,
}

/// The good tokens that may be refused for now, because their keys were added or removed a moment ago.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Pending {
    /// No good token may be refused.
    #[default]
    None,
    /// Tokens of new keys may be refused.
    NewKeys,
    /// Every token may be refused: the old keys are gone.
    Any,
}

/// A source of requests.
#[derive(Debug)]
pub(crate) struct Mix {
    weights: Vec<(Kind, u32)>,
    issuers: Vec<Arc<Tokens>>,
    random: Mutex<Random>,
    pending: Mutex<Pending>,
    /// True if every refusal of a bad token counts as right, whatever its status.
    lenient: bool,
}

impl Mix {
    /// Draws those kinds by their weights, with tokens of those issuers in turn.
    pub(crate) fn new(weights: &[(Kind, u32)], issuers: Vec<Arc<Tokens>>, seed: u64) -> Self {
        let random = Mutex::new(Random::new(seed));
        Self { weights: weights.to_vec(), issuers, random, pending: Mutex::default(), lenient: false }
    }

    /// Takes any refusal of a bad token for a right one: that of a flood, say.
    pub(crate) fn lenient(self) -> Self {
        Self { lenient: true, ..self }
    }

    /// Says which good tokens may be refused for now.
    pub(crate) fn set_pending(&self, pending: Pending) {
        *self.pending.lock() = pending;
    }

    /// Makes the next request.
    pub(crate) fn next(&self) -> Result<Ask, Failure> {
        let mut random = self.random.lock();
        let random = &mut *random;
        let total: u32 = self.weights.iter().map(|(_, weight)| weight).sum();
        let mut at = u32::try_from(random.below(usize::try_from(total)?))?;
        let mut kind = Kind::NoToken;
        for (candidate, weight) in &self.weights {
            kind = *candidate;
            if at < *weight {
                break;
            }
            at -= weight;
        }
        let issuer = random.below(self.issuers.len());
        let tokens = self.issuers.get(issuer).ok_or("a mix without an issuer")?;
        let mut ask = ask(kind, tokens, random)?;
        let pending = match *self.pending.lock() {
            Pending::None => false,
            Pending::NewKeys => kind == Kind::NewKey,
            Pending::Any => kind != Kind::Public,
        };
        match &ask.expected {
            Expected::Allow(identity) if pending => {
                ask.expected = Expected::AllowOrDeny(identity.clone(), 401);
            }
            // Its key may be unknown, which is found first.
            Expected::Deny(403, Some(_)) if pending => ask.expected = Expected::Refuse,
            Expected::Deny(..) if self.lenient => ask.expected = Expected::Refuse,
            _ => {}
        }
        Ok(ask)
    }
}

const PUBLIC: &str = "/api/public";
const PRIVATE: &str = "/api/private";
const SCOPED: &str = "/api/private-scoped";
const INVALID: Expected = Expected::Deny(401, Some("invalid_token"));

fn ask(kind: Kind, tokens: &Tokens, random: &mut Random) -> Result<Ask, Failure> {
    let known = |random: &mut Random| tokens.known(random).ok_or("an issuer without tokens");
    let bearer = |token: String| Some(format!("Bearer {token}"));
    let allow = |good: Good, path| (path, bearer(good.token), Expected::Allow(Box::new(good.identity)));
    let (path, credentials, expected) = match kind {
        // One in four tokens is shown for the first time.
        Kind::Good if random.below(4) == 0 && tokens.is_steady() => allow(tokens.fresh(TokenRequest::new())?, PRIVATE),
        Kind::Good => allow(known(random)?, PRIVATE),
        Kind::Scoped => allow(known(random)?, SCOPED),
        Kind::NewKey => allow(tokens.new_key(random).map_or_else(|| known(random), Ok)?, PRIVATE),
        Kind::Public => {
            let credentials = (random.below(2) == 0).then(|| "Bearer opaque".to_owned());
            (PUBLIC, credentials, Expected::Allow(Box::default()))
        }
        Kind::Forged => (PRIVATE, bearer(false_signature(&known(random)?.token, random)), INVALID),
        Kind::OtherSignature => {
            let (one, other) = (tokens.fresh(TokenRequest::new())?, known(random)?);
            (PRIVATE, bearer(foreign_signature(&one.token, &other.token)), INVALID)
        }
        Kind::Expired => (PRIVATE, bearer(tokens.fresh(TokenRequest::new().expires_in(-60))?.token), INVALID),
        Kind::OtherAudience => {
            let request = TokenRequest::new().audience("https://other.example.com").scope(SCOPE);
            debug_assert!(request.audiences.iter().all(|audience| audience != AUDIENCE));
            (PRIVATE, bearer(tokens.fresh(request)?.token), INVALID)
        }
        Kind::TooLittleScope => {
            let token = tokens.fresh(TokenRequest::new().scope("openid read:message"))?.token;
            (SCOPED, bearer(token), Expected::Deny(403, Some("insufficient_scope")))
        }
        Kind::NoToken => (PRIVATE, None, Expected::Deny(401, None)),
        Kind::NoRoute => ("/api/nowhere", bearer(known(random)?.token), Expected::Deny(403, None)),
        Kind::UnknownKid => (PRIVATE, bearer(unknown_kid(tokens.issuer(), random)), INVALID),
        Kind::Opaque => (PRIVATE, bearer(format!("{:016x}{:016x}", random.next(), random.next())), INVALID),
    };
    Ok(Ask { kind, path, credentials, expected })
}

impl Ask {
    /// Writes the request as a client sends it; `number` finds it again in Envoy's access log.
    pub(crate) fn to_bytes(&self, number: u64) -> Vec<u8> {
        // A forged identity header in every request: it must never get through.
        let mut text = format!(
            "GET {} HTTP/1.1\r\nhost: api.example.com\r\nx-chaos: {number}\r\nx-auth-subject: forged\r\n",
            self.path
        );
        if let Some(credentials) = &self.credentials {
            text.push_str(&format!("authorization: {credentials}\r\n"));
        }
        text.push_str("\r\n");
        text.into_bytes()
    }
}
