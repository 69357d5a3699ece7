//! Where an issuer's keys come from: data, read from the configuration.

use std::{path::PathBuf, sync::Arc};

use url::Url;

use portcullis_engine::keys::secret::Secret;

/// Where an issuer's keys come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySource {
    /// Metadata of the issuer, which names its key set.
    Discovery {
        /// The documents to try, in order: OpenID Connect Discovery, then RFC 8414. At least one.
        documents: Vec<Url>,
        /// Whether `http:` was allowed for these URLs beyond loopback.
        allow_http: bool,
    },
    /// A key set at a fixed place.
    JwksUri {
        /// The key set.
        url: Url,
        /// Whether `http:` was allowed for this URL beyond loopback.
        allow_http: bool,
    },
    /// A key set in a file, read again like a remote one.
    JwksFile(PathBuf),
    /// One public key in a file, PEM or JWK, read again like a remote set.
    PublicKeyFile(PathBuf),
    /// A shared secret, read once at start. HMAC only.
    Secret(Secret),
}

/// How an issuer's documents are fetched.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Transport {
    /// PEM certificates to trust in place of the system's.
    pub ca: Option<Arc<[u8]>>,
    /// The proxy to fetch through. It, and not we, resolves names then, so the check of addresses is its own business.
    pub proxy: Option<Url>,
}

impl std::fmt::Debug for Transport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Of the proxy the host alone: a password may stand before it.
        let proxy = self.proxy.as_ref().and_then(Url::host_str);
        f.debug_struct("Transport").field("ca", &self.ca.is_some()).field("proxy", &proxy).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_secret_is_printed() {
        let proxy = Some(Url::parse("http://someone:password@proxy.test:3128").unwrap());
        let transport = Transport { ca: None, proxy };
        assert_eq!(format!("{transport:?}"), r#"Transport { ca: false, proxy: Some("proxy.test") }"#);
        assert_eq!(format!("{:?}", Secret::new(b"secret".to_vec())), "Secret(..)");
    }
}
