//! The version of this program, as far as it is known when it is built.

/// The version of the package.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The revision of the source, if the environment of the build named one in `BUILD_REVISION`. A build does not look for it
/// elsewhere, so that the same source gives the same program.
pub const REVISION: Option<&str> = named(option_env!("BUILD_REVISION"));

/// Returns the value of `BUILD_REVISION` if it names a revision.
const fn named(value: Option<&str>) -> Option<&str> {
    match value {
        Some(revision) if !revision.is_empty() => Some(revision),
        Some(_) | None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_without_a_text_names_no_revision() {
        for (value, revision) in [(Some("d29d8c3"), Some("d29d8c3")), (Some(""), None), (None, None)] {
            assert_eq!(named(value), revision);
        }
    }
}
