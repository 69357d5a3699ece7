//! A tree of nodes to a [`ConfigSpec`](spec::ConfigSpec), every problem at once: small functions that push into a list of problems and go
//! on. What follows from a problem already reported is not reported again.

mod access;
mod address;
mod algorithm;
mod around;
pub(crate) mod bag;
mod binding;
mod claim;
pub(crate) mod duration;
pub(crate) mod fields;
mod file;
mod identity;
mod implies;
mod issuer;
mod issuer_keys;
mod issuers;
mod key_source;
mod listen;
mod misplaced;
mod name;
mod named;
pub(super) mod other_file;
mod policy;
pub(crate) mod read;
mod request_context;
mod route;
mod scopes;
mod socket;
pub(crate) mod spec;
mod transport;
mod trusted;
pub(super) mod unread;
mod url;

pub(crate) use around::Around;
pub(super) use file::{decode, decode_listen};
