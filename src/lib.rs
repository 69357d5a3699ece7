//! stub
#![expect(missing_docs, reason = "being built")]
pub mod bearer;
pub mod clock;
pub mod decision;
pub mod identity;
pub mod json;
pub mod jwks;
pub mod jwt;
pub mod limits;
pub mod policy;
