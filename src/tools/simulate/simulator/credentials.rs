//! What a client shows on a stage, and the keys that judging it takes.

use super::keyring::Keyring;
use crate::tools::simulate::{
    mint::MintError,
    request::{Ask, Credentials, Message, Signature},
};
use portcullis_engine::{
    jwt::{claims::Claims, compact::Compact, header::Header, issuer_rules::IssuerRules},
    oauth::{access_token::AccessToken, credentials::Credentials as Shown},
};

impl Keyring {
    /// The message of an ask with its credentials.
    ///
    /// A token that would come to the check of its signature finds a key of its issuer in the store, be it another one
    /// than its own: without any the answer would be 503, as it is while a service waits for its first keys.
    pub(super) fn shown(&self, ask: &Ask) -> Result<Message, MintError> {
        let mut message = ask.message.clone();
        if let Credentials::Minted(recipe) = &ask.credentials {
            let token = self.mint(recipe)?;
            message.authorize(format!("Bearer {token}").into_bytes());
        }
        let heard = message.heard();
        let Ok(Shown::Bearer(token)) = Shown::parse(heard.authorization()) else { return Ok(message) };
        let Some(readable) = self.readable(token) else { return Ok(message) };
        let Readable { compact, header, rules } = readable;
        if !matches!(ask.credentials, Credentials::Resigned) {
            self.with_key(rules, header.algorithm, |_| Ok(()))?;
            return Ok(message);
        }
        // Without its `kid`, which names a key of the issuer's own: nothing else about the header changes, and it never
        // gets longer.
        let stripped = without_kid(&compact.header);
        let signed = self.with_key(rules, header.algorithm, |mint| {
            mint.compact(rules, header.algorithm, &stripped, &compact.payload, Signature::Good)
        })?;
        message.authorize(format!("Bearer {signed}").into_bytes());
        Ok(message)
    }

    /// Whose token a message has, if it comes to its signature.
    pub(super) fn issuer_of(&self, message: &Message) -> Option<String> {
        let heard = message.heard();
        let Ok(Shown::Bearer(token)) = Shown::parse(heard.authorization()) else { return None };
        Some(self.readable(token)?.rules.issuer.to_string())
    }

    /// What of a token the verifier reads before it looks for a key; `None` if it never comes to that.
    fn readable<'a>(&self, token: AccessToken<'a>) -> Option<Readable<'a, '_>> {
        let compact = Compact::parse(token).ok()?;
        let header = Header::parse(&compact.header).ok()?;
        let claims = Claims::parse(&compact.payload).ok()?;
        let rules = self.rules_of(claims.name("iss").ok()??)?;
        let is_allowed = rules.algorithms.as_slice().contains(&header.algorithm);
        is_allowed.then_some(Readable { compact, header, rules })
    }
}

struct Readable<'a, 'r> {
    compact: Compact<'a>,
    header: Header,
    rules: &'r IssuerRules,
}

fn without_kid(header: &[u8]) -> Vec<u8> {
    let Ok(mut members) = portcullis_engine::strict_json::parse_object(header) else { return header.to_vec() };
    members.remove("kid");
    serde_json::Value::Object(members).to_string().into_bytes()
}
