//! Envoy's external authorization protocol: the only home of tonic and prost.
//!
//! A `connection`, one of the bounded `connections`, brings requests, `front` knows what each is, `queue` whether there is time for it, [`service`] takes a Check: [`attributes`] reads its message in
//! place (`message`, over `wire` and `schema`) and makes of it what the engine judges, [`response`] is the only file that
//! builds an answer. Nothing here decides anything. The types generated from `proto/` are for whoever tries a policy
//! offline, and for tests, which hold the reading and the writing against them.

pub mod attributes;
pub mod codec;
mod connection;
mod connections;
pub mod deadline;
mod front;
mod headers;
mod message;
mod method_override;
pub mod proto;
mod queue;
pub mod rehearsed;
pub mod response;
mod schema;
pub mod server;
pub mod service;
mod unary;
mod wire;
