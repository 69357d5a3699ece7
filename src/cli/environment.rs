//! The environment, read once and passed down as a map.

use std::collections::BTreeMap;

/// All variables. One that is not Unicode is left out, but for ours: those keep their names, so that nothing we were
/// told is silently ignored.
#[expect(clippy::disallowed_methods, reason = "the one door to the environment")]
pub(super) fn read() -> BTreeMap<String, String> {
    let readable = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
        let name = name.into_string().ok()?;
        let value = if name.starts_with("PORTCULLIS_") {
            value.to_string_lossy().into_owned()
        } else {
            value.into_string().ok()?
        };
        Some((name, value))
    };
    std::env::vars_os().filter_map(readable).collect()
}
