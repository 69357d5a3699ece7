//! The configuration of a command: an argument, or `--config`, or what `PORTCULLIS_CONFIG` names.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use crate::config;

/// The configuration file of a command, which has no other argument.
#[derive(Debug, clap::Args)]
pub(super) struct ConfigArgs {
    /// The configuration file [env: PORTCULLIS_CONFIG]
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// The configuration file as an option
    #[arg(long, value_name = "FILE", conflicts_with = "file")]
    config: Option<PathBuf>,
}

impl ConfigArgs {
    /// The file, if one is named in any way.
    pub(super) fn path<'a>(&'a self, env: &'a BTreeMap<String, String>) -> Option<&'a Path> {
        config::path_of(self.file.as_deref().or(self.config.as_deref()), env)
    }
}
