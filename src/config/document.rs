//! Files of policy tests, read with the machinery of the configuration: limits, places, all problems at
//! once, "did you mean".

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
    sync::Arc,
};

use super::{
    error::{ConfigErrors, Problem},
    load::words,
    parse,
    source::Source,
    tree::{Node, Place},
};

pub(crate) use super::{
    decode::{Bag, fields::Fields, read},
    scalar::is_disputed,
    suggest::{closest, listed, quoted},
};

/// What a file is to its reader.
#[derive(Clone, Copy)]
pub(crate) struct TextKind {
    /// What to call it: `configuration file`.
    pub(crate) name: &'static str,
    /// How many bytes it may have.
    pub(crate) most: usize,
    /// How to make it smaller.
    pub(crate) smaller: &'static str,
}

/// A file of policy tests with its tree.
#[derive(Debug)]
pub(crate) struct Document {
    source: Arc<Source>,
    /// What stands in it.
    pub(crate) root: Node,
}

impl Document {
    /// Reads a file.
    ///
    /// # Errors
    /// It can't be read, is too large, is no UTF-8 or no YAML within the limits of a configuration.
    pub(crate) fn open(path: &Path, kind: TextKind) -> Result<Self, ConfigErrors> {
        let name = path.display().to_string();
        let text = text_of(path, kind).map_err(|problem| ConfigErrors::single(&name, *problem))?;
        Self::parse(&text, &name)
    }

    /// The same of a text; `name` is what its problems call it.
    ///
    /// # Errors
    /// It is no YAML within the limits of a configuration.
    pub(crate) fn parse(text: &str, name: &str) -> Result<Self, ConfigErrors> {
        let parsed = parse::parse(text);
        let source = Arc::new(Source::of_tests(name, text, parsed.as_ref().ok()));
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

/// The text of a file, within the limit of its kind.
pub(super) fn text_of(path: &Path, kind: TextKind) -> Result<String, Box<Problem>> {
    let fail = |message: String, help: &str| Box::new(Problem::error(&Place::Nowhere, message).help(help));
    let shown = format!("the {} {}", kind.name, quoted(&path.display().to_string()));
    let io = |error: io::Error| {
        fail(format!("{shown} can't be read: {}", words(&error)), "name a YAML file that this user may read")
    };
    let mut bytes = Vec::new();
    let most = u64::try_from(kind.most).unwrap_or(u64::MAX).saturating_add(1);
    File::open(path).and_then(|file| file.take(most).read_to_end(&mut bytes)).map_err(io)?;
    if bytes.len() > kind.most {
        return Err(fail(format!("{shown} has more than {} MiB", kind.most >> 20), kind.smaller));
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let line = error.as_bytes().iter().take(at).filter(|b| **b == b'\n').count().saturating_add(1);
        fail(format!("{shown} is not UTF-8 text in line {line}"), "save it as UTF-8")
    })
}
