//! `portcullis demo`: a pointer to `portcullis-demo`. The demo makes tokens for anybody, so it is a program of its own.

use std::{ffi::OsString, process::ExitCode};

use super::{exit_code::USAGE, output};

/// Any arguments: those of the time when the demo was part of this program get an answer as well.
#[derive(Debug, clap::Args)]
#[command(disable_help_flag = true)]
pub(super) struct DemoArgs {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    _ignored: Vec<OsString>,
}

/// Prints where the demo is.
pub(super) fn run(_: &DemoArgs) -> ExitCode {
    output::error(
        "the demo is a program of its own, `portcullis-demo`: `make demo` builds and runs it, and \
         `docker build --target demo` makes its image",
    );
    ExitCode::from(USAGE)
}
