//! The configuration: a YAML file, overlaid by the environment, decoded with every problem reported at once.
//!
//! `parse` turns text into a [tree](crate::document::tree) of nodes that know their place, `env` lays the environment over it, `decode` turns
//! the tree into a specification and never stops at the first problem, `resolve` reads the files and variables that this
//! names and makes a [`Config`] of it, [`error`] prints the problems. Nothing here opens a socket.

mod configuration;
pub(crate) mod decode;
pub(crate) mod env;
pub mod error;
mod foreign;
pub(crate) mod health;
pub(crate) mod kubernetes;
pub mod lint;
pub(crate) mod lint_catalogue;
mod listen;
pub(crate) mod load;
pub(crate) mod other_document;
mod ready_rule;
pub(crate) mod redact;
mod resolve;
pub(crate) mod schema;
pub mod site;
pub(crate) mod socket;
mod variables;
mod yaml;

pub(crate) use crate::document::suggest::{closest, quoted};
pub use configuration::{Config, IssuerConfig};
pub use decode::duration::{parse as parse_duration, show as show_duration};
pub use decode::unread::Unread;
pub(crate) use env::path_of;
pub use health::{HealthAddress, health_address};
pub use listen::{Listen, ListenAddr};
pub(crate) use load::is_absent;
pub use load::{
    Loaded, LoadedFile, Offline, is_configuration, load, load_offline, parse, parse_offline, read, text_of,
};
pub use ready_rule::ReadyRule;
pub use schema::json_schema;
pub use socket::{SocketAccess, SocketGroup, SocketMode, UnixSocket};
