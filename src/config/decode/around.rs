//! The surroundings of a configuration while it is decoded.

use std::{path::Path, sync::Arc};

use crate::document::{source::Source, tree::Place};

/// The things that a configuration may name outside of itself.
#[derive(Clone, Copy)]
pub(crate) struct Around<'a> {
    /// The directory at which relative names of files start.
    pub(crate) base: &'a Path,
    /// The configuration file.
    pub(crate) source: Option<&'a Arc<Source>>,
}

impl Around<'_> {
    /// A place for people: `portcullis.yaml:7`, or the name of a variable.
    pub(super) fn locate(&self, place: &Place) -> String {
        match (place, self.source) {
            (Place::File(span), Some(source)) => format!("{}:{}", source.name(), source.position(span.start).0),
            (Place::Variable(name), _) => name.to_string(),
            (Place::File(_) | Place::Nowhere, _) => String::new(),
        }
    }
}
