//! Names on their way to addresses: what a URL's spelling doesn't say is checked here, when a connection is made.

use std::{net::SocketAddr, sync::Arc};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::keystore::url_guard::{self, ForbiddenUrl, Loopback};

/// Finds the refusal of [`GuardedResolver`] in an error of the HTTP client.
pub(super) fn forbidden_by_resolver(error: &reqwest::Error) -> Option<ForbiddenUrl> {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(forbidden) = error.downcast_ref::<ForbiddenUrl>() {
            return Some(forbidden.clone());
        }
        cause = error.source();
    }
    None
}

/// The resolver of the system, without conditions.
#[derive(Debug)]
pub(super) struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// DNS answers without forbidden addresses: the check at connect time, so that a name can't lead where a literal may
/// not. IP literals never come here; [`url_guard`] looks at those in the URL.
pub(super) struct GuardedResolver {
    pub(super) names: Arc<dyn Resolve>,
    /// Says whether names may lead to this machine.
    pub(super) loopback: Loopback,
    /// The name of the proxy, which may.
    pub(super) proxy: Option<String>,
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let text = name.as_str().to_owned();
        let loopback = if self.proxy.as_ref() == Some(&text) { Loopback::Allowed } else { self.loopback };
        let resolving = self.names.resolve(name);
        Box::pin(async move {
            let found: Vec<SocketAddr> = resolving.await?.collect();
            // One bad address among good ones is reason enough: rebinding mixes them.
            found.iter().try_for_each(|found| url_guard::check_resolved(&text, found.ip(), loopback))?;
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}
