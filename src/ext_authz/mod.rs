//! Envoy's external authorization protocol: the only home of tonic and prost.
//!
//! A `connection`, one of the bounded `connections`, brings requests. `front` tells Checks from other calls, `queue` turns
//! away those that have waited for too long, and [`service`] answers a Check: [`attributes`] reads its message in place
//! (`message`, over `wire` and `schema`) and makes of it what the engine decides about, and [`response`] is the only file
//! that builds an answer. Nothing here decides anything else. The types generated from `proto/` are for trying a policy
//! offline, and for tests, which compare the reading and the writing with them.

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
mod request_age;
pub mod response;
mod schema;
pub mod server;
pub mod service;
mod unary;
mod wire;
