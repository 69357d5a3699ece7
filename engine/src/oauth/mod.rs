//! Bearer credentials and their challenges, RFC 6750.
//!
//! Takes what the `authorization` header holds apart and knows what a denial looks like on the wire; it doesn't know
//! what a token says.

pub mod access_token;
pub mod challenge;
pub mod credentials;
pub mod implies;
pub mod scope;
