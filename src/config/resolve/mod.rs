//! Reads what a configuration names outside of itself: secrets, certificates, and a look into files of keys.

mod certificates;
mod config;
mod file_mode;
mod issuer;
mod key_file;
mod secret;
mod secret_strength;

pub(crate) use config::resolve;
