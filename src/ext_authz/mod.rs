//! Envoy's external authorization protocol: the only home of tonic and prost.
//!
//! [`transport`] brings the bytes of a Check and takes its answer away, [`decode`] reads them in place and makes the request
//! of them that is judged, [`service`] answers it, and [`response`] is the only file that builds an answer. `queue` turns away
//! Checks that have waited for too long, by the [`deadline`] of each. Nothing here decides anything else. The types generated from `proto/` are for trying a policy offline ([`envoy_view`]), and for tests,
//! which compare the reading and the writing with them.

pub mod deadline;
pub mod decode;
pub mod envoy_view;
pub mod proto;
pub(crate) mod queue;
pub mod response;
pub mod service;
pub mod transport;
