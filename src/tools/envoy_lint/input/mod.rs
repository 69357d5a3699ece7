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
mod reader;
mod relocate;
mod repeated;
mod resources;
mod scenes;
mod spellings;
mod table;
mod template;
mod version;

use super::{kubernetes::Object, read};
use crate::{
    config::error::Problem,
    document::{bounds::Bounds, parse::parse_documents},
};
use document::Document;
use files::File;
use reader::Reader;

pub(super) use files::Files;
pub(super) use relocate::without_place;
pub(super) use resources::typed;
pub(super) use scenes::EnvoyTrees;

/// The kind that a file has among the origins of Envoys.
pub(super) const FILE: &str = "file";

/// The help where a file is nothing that can be linted.
const EXPECTED: &str = "name the file that `envoy -c` reads, a file of its resources, what `curl localhost:9901/config_dump` gives, \
                        or what `istioctl proxy-config all POD -o json` or `egctl config envoy-proxy all` prints";
const KUBERNETES_HELP: &str = "lint what Envoy is given in the end: `curl localhost:9901/config_dump` (Istio's Envoys listen on 15000), \
                               or the ConfigMap that holds its bootstrap file";

/// The content of all files.
#[derive(Default)]
pub(super) struct Input {
    /// The trees of each Envoy.
    pub(super) scenes: Vec<EnvoyTrees>,
    /// Kubernetes resources that decide about ext_authz.
    pub(super) objects: Vec<Object>,
    /// The faults of files that can't be linted.
    pub(super) problems: Vec<Problem>,
    /// The things that were not looked at, each as a part of a sentence.
    pub(super) unseen: Vec<String>,
}

/// Reads files, each given by its text and its name.
pub(super) fn read_files(texts: &[(&str, &str)]) -> (Input, Files) {
    let mut reader = Reader::default();
    let mut files = Files::default();
    for (text, name) in texts {
        let base = files.next_start();
        let parsed = match table::find(text) {
            Some(problem) => Err(Box::new(problem)),
            None => parse_documents(text, &Bounds::ENVOY),
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
