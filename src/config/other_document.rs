//! Files of policy tests, read with the machinery of the configuration: limits, places, all problems at
//! once, "did you mean".

use std::{path::Path, sync::Arc};

use super::{
    error::ConfigErrors,
    load::{read_argument, read_text},
    redact, yaml,
};
use crate::{
    document::{
        source::Source,
        tree::{Node, Place},
    },
    limits,
};

pub(crate) use super::decode::{bag::Bag, fields::Fields, other_file::of_another_program, read};
pub(crate) use crate::document::{
    scalar::is_disputed,
    suggest::{closest, listed, quoted},
};

const WHAT: &str = "the test file";
const SMALLER: &str = "split it into several files";

/// A file of policy tests with its tree.
#[derive(Debug)]
pub(crate) struct Document {
    source: Arc<Source>,
    /// What stands in it.
    pub(crate) root: Node,
}

impl Document {
    /// Reads a file of at most [`limits::CONFIG_BYTES`].
    ///
    /// # Errors
    /// It can't be read, is too large, is no UTF-8 or no YAML within the limits of a configuration.
    pub(crate) fn open(path: &Path) -> Result<Self, ConfigErrors> {
        let name = path.display().to_string();
        let text = read_text(path, WHAT, limits::CONFIG_BYTES, SMALLER)
            .map_err(|problem| ConfigErrors::single(&name, *problem))?;
        Self::parse(&text, &name)
    }

    /// Reads one that a command was given, which may be its standard input.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub(crate) fn open_argument(path: &Path) -> Result<Self, ConfigErrors> {
        let name = path.display().to_string();
        let text = read_argument(path, WHAT, limits::CONFIG_BYTES, SMALLER)
            .map_err(|problem| ConfigErrors::single(&name, *problem))?;
        Self::parse(&text, &name)
    }

    /// The same of a text; `name` is what its problems call it.
    ///
    /// # Errors
    /// It is no YAML within the limits of a configuration.
    pub(crate) fn parse(text: &str, name: &str) -> Result<Self, ConfigErrors> {
        let parsed = yaml::parse(text);
        let source = Arc::new(Source::new(name, text, redact::masked_tests(text, parsed.as_ref().ok())));
        match parsed {
            Ok(root) => Ok(Self { source, root }),
            Err(problem) => Err(ConfigErrors::new(name, Some(&source), vec![*problem])),
        }
    }

    /// Its name.
    pub(crate) fn name(&self) -> &str {
        self.source.name()
    }

    /// The line of a place, from 1.
    pub(crate) fn line(&self, place: &Place) -> usize {
        match place {
            Place::File(span) => self.source.position(span.start).0,
            Place::Variable(_) | Place::Nowhere => 1,
        }
    }

    /// The problems that were found in it.
    pub(crate) fn problems(&self, bag: Bag) -> ConfigErrors {
        ConfigErrors::new(self.name(), Some(&self.source), bag.into_problems())
    }
}
