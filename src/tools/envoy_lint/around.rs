//! The parts of Envoy's and Portcullis' configurations that lints look at together.

use super::scene::Scene;
use crate::config::Config;
use portcullis_engine::answer::identity::IdentityHeaders;

/// The surroundings that lints may ask.
pub(crate) struct Around<'a> {
    pub(crate) scene: &'a Scene<'a>,
    /// The configuration of the Portcullis that this Envoy asks, if it was given.
    pub(crate) config: Option<&'a Config>,
    pub(crate) identity: &'a IdentityHeaders,
}
