//! The version of this program, as far as it is known when it is built.

/// The version of the package.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The revision of the source, if the environment of the build named one in `BUILD_REVISION`. A build does not look for it
/// elsewhere, so that the same source gives the same program.
pub const REVISION: Option<&str> = match option_env!("BUILD_REVISION") {
    Some(revision) if !revision.is_empty() => Some(revision),
    Some(_) | None => None,
};
