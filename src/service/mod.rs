//! The running service.
//!
//! `app` makes a configuration into a running service. [`listen`] binds, `servers` serve on [`workers`], `issuers` keeps keys
//! fresh, and `reload` says when to look at the file again, judges its content, and makes it active.
//! `supervise` starts background tasks again that a bug has ended: the service goes on for as long as it can decide.
//! `readiness` says what `/readyz` waits for, and `figures` what metrics read of the running service.

pub mod admin;
mod app;
mod drain;
pub mod embedded_tests;
mod error;
mod figures;
pub mod instrumentation;
mod issuers;
mod keys_dir;
pub mod listen;
mod outside;
mod readiness;
mod reload;
mod servers;
pub mod shutdown;
mod supervise;
pub mod telemetry;
pub mod workers;

pub use app::App;
pub use drain::{Drain, Stopped};
pub use error::ServeError;
pub use issuers::keep_fresh;
pub use outside::Outside;
pub use reload::{
    at_rest::{BeingWritten, NoConfig, load_at_rest},
    candidate::{Candidate, Suite},
    reload_source::Reload,
    watch::Pace,
};
pub use workers::Workers;
