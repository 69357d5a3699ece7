//! `portcullis schema`: the JSON Schema of the configuration.

use std::process::ExitCode;

use super::output;
use crate::config;

/// Prints the JSON Schema (draft 2020-12) of the configuration, for editors that complete and check YAML.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  portcullis schema > portcullis.schema.json

Editors with a YAML language server take it from the first line of the file:
  # yaml-language-server: $schema=portcullis.schema.json")]
pub(super) struct SchemaArgs {}

pub(super) fn run(_: &SchemaArgs) -> ExitCode {
    output::json(&config::json_schema());
    ExitCode::SUCCESS
}
