//! A token as far as it can be read, beside the rules and the keys of its issuer.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::{explanation::Signatures, keys::KeyView, times::date, value::json};
use crate::tools::simulate::simulator::Stage;
use portcullis_engine::{
    jwt::{claims::Claims, compact::Compact, header::Header, issuer_rules::IssuerRules},
    keys::key_set::KeySet,
    oauth::{access_token::AccessToken, credentials::Credentials},
    reason::TokenFault,
    time::UnixTime,
};

/// A token as far as it can be read, with the rules of its issuer.
pub(super) struct View<'a> {
    pub(super) token: Option<AccessToken<'a>>,
    pub(super) compact: Option<Result<Compact<'a>, TokenFault>>,
    pub(super) header: Option<Result<Header, TokenFault>>,
    pub(super) members: Map<String, Value>,
    pub(super) parsed: Option<Result<Claims, TokenFault>>,
    pub(super) rules: Option<&'a IssuerRules>,
    pub(super) issuers: Vec<&'a str>,
    /// The keys of its issuer, if they are its own.
    published: Option<Arc<KeySet>>,
    pub(super) now: UnixTime,
}

impl<'a> View<'a> {
    pub(super) fn of(values: &[&'a [u8]], stage: &'a Stage, now: UnixTime, signatures: Signatures) -> Self {
        let token = match Credentials::parse(values.iter().copied()) {
            Ok(Credentials::Bearer(token)) => Some(token),
            _ => None,
        };
        let compact = token.map(Compact::parse);
        let readable = compact.as_ref().and_then(|compact| compact.as_ref().ok());
        let header = readable.map(|compact| Header::parse(&compact.header));
        let members = readable
            .and_then(|compact| portcullis_engine::strict_json::parse_object(&compact.header).ok())
            .unwrap_or_default();
        let parsed = readable.map(|compact| Claims::parse(&compact.payload));
        let named = parsed.as_ref().and_then(|claims| claims.as_ref().ok()?.name("iss").ok()?);
        let rules = named.and_then(|issuer| stage.rules_of(issuer));
        let issuers = stage.issuers().map(|rules| &*rules.issuer).collect();
        let is_live = signatures == Signatures::Checked;
        let published = rules.filter(|_| is_live).and_then(|rules| stage.published_keys(&rules.issuer));
        Self { token, compact, header, members, parsed, rules, issuers, published, now }
    }

    /// The keys of its issuer, beside what it says about the one that signed it.
    pub(super) fn keys(&self) -> Option<KeyView<'_>> {
        let header = self.header.as_ref()?.as_ref().ok()?;
        Some(KeyView { set: Arc::clone(self.published.as_ref()?), header })
    }

    /// The header and the claims of the token as they came, each with its name.
    pub(super) fn texts(&self) -> [(&'static str, &[u8]); 2] {
        let compact = self.compact.as_ref().and_then(|compact| compact.as_ref().ok());
        let (header, claims) = compact.map(|compact| (&*compact.header, &*compact.payload)).unwrap_or_default();
        [("its header", header), ("its claims set", claims)]
    }

    /// The `kid` of its header, if it has one, however long.
    pub(super) fn kid(&self) -> Option<&str> {
        self.members.get("kid").and_then(Value::as_str)
    }

    /// The `alg` of its header, if it has one, known or not.
    pub(super) fn algorithm(&self) -> Option<&str> {
        self.members.get("alg").and_then(Value::as_str)
    }

    /// The claims, if they can be read.
    pub(super) fn claims(&self) -> Option<&Claims> {
        self.parsed.as_ref()?.as_ref().ok()
    }

    pub(super) fn claim(&self, name: &str) -> String {
        json(self.claims().and_then(|claims| claims.get(name)))
    }

    pub(super) fn date(&self, name: &str) -> String {
        self.claims().map_or_else(|| "nothing".to_owned(), |claims| date(claims, name, self.now))
    }

    pub(super) fn asked<'s, T>(&'s self, ask: impl FnOnce(&'s Claims) -> Result<T, TokenFault>) -> Option<TokenFault> {
        self.claims().and_then(|claims| ask(claims).err())
    }

    pub(super) fn missing<'s, T>(
        &'s self,
        ask: impl FnOnce(&'s Claims) -> Result<Option<T>, TokenFault>,
    ) -> Option<TokenFault> {
        self.asked(|claims| ask(claims)?.ok_or(TokenFault::MalformedClaims))
    }
}
