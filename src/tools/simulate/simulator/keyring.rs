//! The keys of a stage: made when a token first needs them, and put where the verifier looks.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::time::Instant;

use crate::{
    keystore::{issuer_keys::IssuerKeys, store::KeyStore},
    tools::simulate::{
        mint::{self, Mint, MintError},
        request::Recipe,
    },
};
use portcullis_engine::{jwt::issuer_rules::IssuerRules, keys::algorithm::Algorithm};

/// Issuers, their keys, and the store with the public halves.
#[derive(Debug)]
pub(super) struct Keyring {
    issuers: Vec<IssuerRules>,
    store: Arc<KeyStore>,
    mint: Mutex<Mint>,
}

impl Keyring {
    pub(super) fn new(issuers: impl IntoIterator<Item = IssuerRules>) -> Self {
        Self::over(issuers, Arc::new(KeyStore::new()))
    }

    pub(super) fn over(issuers: impl IntoIterator<Item = IssuerRules>, store: Arc<KeyStore>) -> Self {
        Self { issuers: issuers.into_iter().collect(), store, mint: Mutex::new(Mint::new()) }
    }

    pub(super) fn store(&self) -> Arc<KeyStore> {
        Arc::clone(&self.store)
    }

    pub(super) fn rules(&self) -> impl Iterator<Item = &IssuerRules> {
        self.issuers.iter()
    }

    pub(super) fn rules_of(&self, issuer: &str) -> Option<&IssuerRules> {
        self.issuers.iter().find(|rules| &*rules.issuer == issuer)
    }

    /// The token of a recipe. The key that signs it is in the store from then on.
    pub(super) fn mint(&self, recipe: &Recipe) -> Result<String, MintError> {
        let claimed = || recipe.claims.get("iss").and_then(|iss| self.rules_of(iss.as_str()?));
        let rules = match &recipe.issuer {
            Some(issuer) => self.rules_of(issuer).ok_or_else(|| MintError::UnknownIssuer(issuer.clone()))?,
            None => match claimed().or_else(|| self.issuers.first()) {
                Some(rules) => rules,
                None => return Err(MintError::UnknownIssuer(String::new())),
            },
        };
        self.with_key(rules, mint::algorithm_of(rules, recipe), |mint| mint.sign(rules, recipe))
    }

    /// Does something that needs a key of that issuer for that algorithm.
    pub(super) fn with_key<T>(
        &self,
        rules: &IssuerRules,
        algorithm: Algorithm,
        work: impl FnOnce(&Mint) -> Result<T, MintError>,
    ) -> Result<T, MintError> {
        let mut mint = self.mint.lock();
        if mint.prepare(&rules.issuer, algorithm)?
            && let Some(set) = mint.key_set(rules)?
        {
            self.store.add(Arc::clone(&rules.issuer), IssuerKeys::fixed(set, Instant::now()));
        }
        work(&mint)
    }
}
