//! Reads what `check --envoy` is given. Each document of each file is recognised by its content: a bootstrap file, resources,
//! a dump, or a Kubernetes resource. Files of one Envoy are read together, as LDS and CDS files are.
//!
//! Spans of a file are shifted by the length of the files before it, so that one tree of all files has no ambiguous place.

mod binary_data;
mod config_map;
mod document;
mod egctl;
mod embedded;
mod files;
mod kind;
mod ours;
mod reader;
mod relocate;
mod repeated;
mod resources;
mod scenes;
mod spellings;
mod table;
mod template;
mod unread_words;
mod version;

use crate::tools::envoy_lint::yaml::parse_documents;
use document::Document;
use files::File;
pub(super) use files::Files;
use reader::Reader;
pub(super) use reader::{FILE, Input, STANDARD_INPUT};

/// Reads files, each given by its text and its name.
pub(super) fn read_files(texts: &[(&str, &str)]) -> (Input, Files) {
    let mut reader = Reader::default();
    let mut files = Files::default();
    for (text, name) in texts {
        let base = files.next_start();
        let parsed = match table::find(text) {
            Some(problem) => Err(Box::new(problem)),
            None => parse_documents(text),
        };
        match parsed {
            Ok(roots) => {
                let documents = document::take_apart(roots, text);
                files.push(File::new(name, text, base, Some(documents.iter().flat_map(Document::trees).collect())));
                reader.read_documents(documents, name, base);
            }
            Err(problem) => {
                files.push(File::new(name, text, base, None));
                let problem = template::explain(text, &problem).unwrap_or(*problem);
                reader.refuse(problem.shifted(base));
            }
        }
    }
    (reader.finish(), files)
}
