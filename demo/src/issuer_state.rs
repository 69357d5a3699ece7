//! The keys and the fault of a running issuer, which it and its endpoints share.

use std::sync::{Arc, atomic::AtomicUsize};

use arc_swap::ArcSwap;
use portcullis::clock::{Clock as _, SystemClock};
use serde_json::Value;
use tokio::sync::watch;

use super::{
    error::DemoError,
    fault::Fault,
    keys::Keys,
    token::{self, TokenRequest},
};

/// The state that the issuer and its endpoints share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) issuer: String,
    pub(super) audience: String,
    pub(super) keys: ArcSwap<Keys>,
    /// Public keys of before the fault that are still published beside the current ones.
    pub(super) retiring: ArcSwap<Vec<Value>>,
    pub(super) fault: watch::Sender<Option<Fault>>,
    pub(super) key_set_reads: AtomicUsize,
}

impl Shared {
    /// All keys that are published when all is well.
    pub(super) fn jwk_set(&self) -> Value {
        let mut set = self.keys.load().jwk_set();
        if let Some(keys) = set.get_mut("keys").and_then(Value::as_array_mut) {
            keys.extend(self.retiring.load().iter().cloned());
        }
        set
    }

    /// New keys. The old ones are published no longer, but for faults that have nothing to do with them.
    pub(super) async fn renew(&self, fault: Option<Fault>) -> Result<(), DemoError> {
        let named = (fault == Some(Fault::ReplaceKeys)).then(|| self.keys.load().generation().to_owned());
        let new = generate(named).await?;
        let retiring = match fault {
            None | Some(Fault::Rotate | Fault::ReplaceKeys) => Vec::new(),
            Some(_) => self.keys.load().jwks(),
        };
        self.retiring.store(Arc::new(retiring));
        self.keys.store(Arc::new(new));
        Ok(())
    }

    pub(super) fn mint(&self, request: &TokenRequest) -> Result<String, DemoError> {
        token::mint(&self.keys.load(), &self.issuer, &self.audience, SystemClock.now(), request)
    }
}

/// New keys, under the names of that generation or a new one.
pub(super) async fn generate(generation: Option<String>) -> Result<Keys, DemoError> {
    let generate = || generation.map_or_else(Keys::generate, Keys::generate_as);
    match tokio::task::spawn_blocking(generate).await {
        Ok(Ok(keys)) => Ok(keys),
        Ok(Err(_)) | Err(_) => Err(DemoError::Crypto),
    }
}
