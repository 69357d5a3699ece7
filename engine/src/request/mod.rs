//! Requests in their one canonical form: method, host and path. What two parsers could read differently is refused here.

pub(crate) mod case_folds;
pub(crate) mod effort;
pub(crate) mod escape;
pub(crate) mod fold;
pub(crate) mod forms;
pub mod host;
pub mod method;
pub mod path;
pub(crate) mod sessions;
pub mod target;
