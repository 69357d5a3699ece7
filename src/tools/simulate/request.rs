//! One request to try, as Envoy would send it. Nothing is judged here: what is odd about it is the engine's to find.

use std::fmt;

use serde_json::{Map, Value, json};

pub use crate::ext_authz::envoy_view::{CapturedError, Message};
use portcullis_engine::{
    jwt::{claim_path::ClaimPath, claim_rule::ClaimTest, issuer_rules::IssuerRules},
    time::UnixTime,
};

/// A request, its credentials and its moment.
#[derive(Clone)]
pub struct Ask {
    /// What Envoy sends.
    pub message: Message,
    /// What the client shows.
    pub credentials: Credentials,
    /// When.
    pub at: UnixTime,
}

impl fmt::Debug for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the headers: one of them may be a token.
        f.debug_struct("Ask").field("at", &self.at).finish_non_exhaustive()
    }
}

impl Ask {
    /// A request as Envoy sends it, with its raw path and query. Without a host it is one of gRPC without a proxy.
    #[must_use]
    pub fn new(method: &str, host: Option<&str>, path: &str, at: UnixTime) -> Self {
        Self { message: Message::new(method, host, path), credentials: Credentials::AsSent, at }
    }

    /// A captured `CheckRequest`, as protobuf JSON.
    ///
    /// # Errors
    /// [`CapturedError`]: not JSON, or not of that form.
    pub fn captured(json: &str, at: UnixTime) -> Result<Self, CapturedError> {
        Ok(Self { message: Message::from_json(json)?, credentials: Credentials::AsSent, at })
    }

    /// With one more header.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<Vec<u8>>) -> Self {
        self.message.push_header(name, value.into());
        self
    }

    /// With a named policy, chosen by the Envoy route (`context_extensions`).
    #[must_use]
    pub fn policy(mut self, name: &str) -> Self {
        self.message.choose_policy(name);
        self
    }

    /// With other credentials.
    #[must_use]
    pub fn credentials(mut self, credentials: Credentials) -> Self {
        self.credentials = credentials;
        self
    }
}

/// What a client shows.
#[derive(Clone, Default)]
pub enum Credentials {
    /// The `authorization` headers of the message, as they are.
    #[default]
    AsSent,
    /// Those, but a JWT in them that would come to the check of its signature is signed anew: everything about it is
    /// judged but its signature.
    Resigned,
    /// A token made by this recipe, in place of what the message has.
    Minted(Box<Recipe>),
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AsSent => "AsSent",
            Self::Resigned => "Resigned",
            Self::Minted(_) => "Minted(..)",
        })
    }
}

/// A token to be made.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recipe {
    /// Whose key signs; `None` for the one that the claim `iss` names, or the first of all if that is none of ours.
    pub issuer: Option<String>,
    /// Members of the JOSE header beside or in place of `alg` and `kid`; `null` removes one. An `alg` that the issuer
    /// allows chooses the key; another one stands there, with a signature that is none of it.
    pub header: Map<String, Value>,
    /// The claims: exactly these.
    pub claims: Map<String, Value>,
    /// What the signature is.
    pub signature: Signature,
}

/// The signature of a token to be made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Signature {
    /// True.
    #[default]
    Good,
    /// Of the right form, and false.
    Forged,
    /// None: the third part is empty.
    Absent,
}

/// For how long a minted token is valid unless its recipe says otherwise, in seconds.
const LIFETIME: i64 = 300;

impl Recipe {
    /// A token with all that the issuer's rules ask for, and nothing else.
    #[must_use]
    pub fn usual(rules: &IssuerRules, at: UnixTime) -> Self {
        let now = at.as_secs();
        let mut claims = Map::new();
        let mut claim = |name: &str, value: Value| claims.insert(name.to_owned(), value);
        if rules.strict {
            claim("client_id", "sample".into());
            claim("jti", "sample".into());
        }
        claim("sub", "sample".into());
        if let (Some(clients), Some(name)) = (&rules.clients, rules.client_id_claims.first()) {
            claim(name, clients.as_slice().first().map_or(Value::Null, |client| client.as_str().into()));
        }
        claim("iss", (&*rules.issuer).into());
        claim(&rules.audience_claim, rules.audiences.as_slice().first().map_or(Value::Null, |one| one.as_str().into()));
        claim("iat", now.into());
        claim("exp", now.saturating_add(LIFETIME).into());
        meet_rules(&mut claims, rules);
        let mut header = Map::new();
        header.insert("typ".to_owned(), if rules.strict { json!("at+jwt") } else { json!("JWT") });
        Self { issuer: Some(rules.issuer.to_string()), header, claims, signature: Signature::Good }
    }
}

/// The claims of an issuer whose rules ask for some.
fn meet_rules(claims: &mut Map<String, Value>, rules: &IssuerRules) {
    for rule in &rules.claims {
        let value = match &rule.test {
            ClaimTest::Present => json!(true),
            ClaimTest::Equals(value) => value.clone(),
            ClaimTest::OneOf(values) => values.first().cloned().unwrap_or_default(),
            ClaimTest::Includes(values) => Value::Array(values.clone()),
        };
        put(claims, &rule.claim, value);
    }
}

/// Puts a value where a path leads. What stands in its way is no object, and replaced.
pub(crate) fn put(claims: &mut Map<String, Value>, path: &ClaimPath, value: Value) {
    let mut at = claims.entry(path.name()).or_insert(Value::Null);
    for member in path.members() {
        if !at.is_object() {
            *at = Value::Object(Map::new());
        }
        let Value::Object(members) = at else { return };
        at = members.entry(member).or_insert(Value::Null);
    }
    *at = value;
}
/// Says whether the target of a request is a path, be it an odd one that the policy refuses, and not a word or a URL.
#[must_use]
pub fn is_path(target: &str) -> bool {
    target.starts_with(['/', '*', '%', '.', '\\'])
}
