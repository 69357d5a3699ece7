//! The context that every test of a file is read in: what the file says once for all of them.

use std::{collections::HashMap, sync::Arc};

use crate::{config::other_document::Document, tools::policy_test::case::Recipe};
use portcullis_engine::time::UnixTime;

/// The defaults of a file: they hold where a test says nothing.
pub(super) struct Defaults {
    pub(super) host: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) time: UnixTime,
    pub(super) token: Recipe,
}

/// The names that a test may use.
pub(super) struct Context<'a> {
    pub(super) defaults: &'a Defaults,
    pub(super) tokens: &'a HashMap<String, Recipe>,
    pub(super) now: UnixTime,
    pub(super) document: &'a Document,
    pub(super) file: Arc<str>,
}
