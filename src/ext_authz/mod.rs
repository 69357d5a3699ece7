//! Envoy's external authorization protocol: the only home of tonic and prost.
//!
//! [`service`] takes a call, [`attributes`] turns the message into what the engine judges, [`response`] is the only
//! file that builds an answer. Nothing here decides anything.

pub mod attributes;
pub mod codec;
mod connection;
pub mod deadline;
mod front;
mod headers;
mod message;
mod method_override;
pub mod proto;
pub mod rehearsed;
pub mod response;
mod schema;
pub mod server;
pub mod service;
mod unary;
mod wire;
