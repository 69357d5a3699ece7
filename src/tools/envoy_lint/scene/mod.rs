//! The scene: everything in Envoy's files that lints look at, built once from bootstrap files, files of resources and dumps.

pub(crate) mod acting;
pub(crate) mod chain;
mod cluster;
mod contents;
pub(crate) mod coverage;
mod destinations;
pub(crate) mod endpoints;
mod listener;
mod listener_filter;
mod manager;
mod network;
mod route;
mod runtime;
mod table;
mod tcp_proxy;
mod walk;

pub(super) use cluster::{http_options, mirrors};
pub(super) use contents::{Lookup, Scene};
pub(super) use destinations::Destinations;
pub(super) use manager::Manager;
pub(super) use network::{FilterKind, is_unknown as is_unknown_network_filter};
pub(super) use route::{Route, of_host, routes};
pub(super) use runtime::Runtime;
pub(super) use table::unseen_choice;
