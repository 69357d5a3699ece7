//! The files that were read, one behind the other, and which problem belongs to which.

use std::{ops::Range, sync::Arc};

use crate::{
    config::{
        error::{ConfigErrors, Problem},
        redact,
    },
    document::{source::Source, tree::Node},
};

/// The files, in the order in which they were given.
#[derive(Default)]
pub(crate) struct Files(Vec<File>);

/// A file and the range of offsets that its places have.
pub(super) struct File {
    name: String,
    source: Arc<Source>,
    range: Range<usize>,
}

impl File {
    /// Makes the file of a text. `roots` are its trees, if it has any: they say where secrets are.
    pub(super) fn new(name: &str, text: &str, start: usize, roots: Option<Vec<&Node>>) -> Self {
        let source = Arc::new(Source::new(name, text, redact::masked_trees(text, roots)));
        // The end of a file is not the start of the next one.
        let end = start.saturating_add(text.len()).saturating_add(1);
        Self { name: name.to_owned(), source, range: start..end }
    }
}

impl Files {
    /// Gives the offset of the first byte of the next file.
    pub(super) fn next_start(&self) -> usize {
        self.0.last().map_or(0, |file| file.range.end)
    }

    pub(super) fn push(&mut self, file: File) {
        self.0.push(file);
    }

    /// Sorts problems by the file that they are about first. Problems without a place belong to the first file.
    pub(crate) fn split(&self, problems: Vec<Problem>) -> Vec<ConfigErrors> {
        let mut by_file: Vec<Vec<Problem>> = self.0.iter().map(|_| Vec::new()).collect();
        for problem in problems {
            let start = problem.primary().map_or(0, |span| span.start);
            let at = self.0.iter().position(|file| file.range.contains(&start)).unwrap_or(0);
            if let (Some(file), Some(list)) = (self.0.get(at), by_file.get_mut(at)) {
                list.push(problem.within(&file.range));
            }
        }
        let files = self.0.iter().zip(by_file);
        files.map(|(file, problems)| ConfigErrors::new(&file.name, Some(&file.source), problems)).collect()
    }
}
