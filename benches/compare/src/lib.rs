//! Portcullis beside other services: the same requests to each in turn, every verdict checked, one table.
//!
//! [`yardstick`] is what the services to compare with share; they are programs of their own, `noop`, `wire` and `naive`.
//! The rest is the driver: [`client`] is a lean HTTP/2 client that checks each answer, [`message`], [`tokens`] and [`work`]
//! make what it sends, [`process`] starts servers on their cores, [`rows`] measures, and [`report`] says what came out.

pub mod bench;
pub mod client;
pub mod envoy;
pub mod http1;
pub mod message;
pub mod options;
pub mod policy;
pub mod process;
pub mod report;
pub mod rows;
pub mod stats;
pub mod tokens;
pub mod work;
pub mod yardstick;
