//! `check --envoy`: what of an Envoy configuration undoes the policy. Each lint says only what is certain from the files
//! alone; the meaning of each field is from the API of Envoy 1.40, and tests with that Envoy hold it.
//!
//! Fields that are unknown here are left out, and whether Envoy accepts a file at all is for `envoy --mode validate` to say.
//!
//! *Error or warning:* an error is what can't be meant: nothing is checked, nothing is allowed, or everything passes while
//! Portcullis is down. What may have a reason is a warning.
//!
//! # The way of a file
//!
//! | step | modules |
//! |---|---|
//! | recognise it, and sort documents by the Envoy that reads them | `input` |
//! | lint Kubernetes resources, and take out what they patch into an Envoy | `kubernetes` |
//! | collect the parts that lints look at | `scene`, `catalogue` (what HTTP filters do), `types`, `read` (fields), `synthetic` (nodes of no file) |
//! | find out who is asked, and what requests reach | `guard` |
//! | lint managers that ask: their routes, several filters, paths, hosts, headers of clients | `manager` |
//! | lint one ext_authz filter | `ext_authz_filter` |
//! | lint the way to Portcullis: timeout, retries, endpoints, TLS | `service` |
//! | lint what changes requests after the decision | `after` |
//! | lint the ways past it | `bypass` |
//! | say how good it is | `findings`, `verdict` |

mod after;
mod around;
mod bypass;
mod catalogue;
mod ext_authz_filter;
mod findings;
mod guard;
mod input;
mod kubernetes;
mod manager;
mod read;
mod scene;
mod service;
mod synthetic;
mod types;
mod verdict;
mod yaml;

use std::{
    collections::{BTreeSet, HashSet},
    path::Path,
};

use crate::{
    config::{
        Config,
        error::{ConfigErrors, Problem},
        load,
        site::Resource,
    },
    document::tree::Node,
    limits,
};
use around::Around;
use findings::Findings;
use input::STANDARD_INPUT;
use portcullis_engine::answer::identity::IdentityHeaders;
use scene::Scene;
pub use verdict::{Allowed, Checked, Seen, Verdict};

/// Checks the files of one Envoy together, as [`check_files`] does. `-` is the standard input.
#[must_use]
pub fn check_paths(paths: &[&Path], config: Option<&Config>) -> Checked {
    let smaller = "leave out what this Envoy's ext_authz filters, routes and clusters don't need";
    let name = |path: &&Path| {
        if is_standard_input(path) { STANDARD_INPUT.to_owned() } else { path.display().to_string() }
    };
    let names: Vec<String> = paths.iter().map(name).collect();
    let texts: Vec<Result<String, ConfigErrors>> = paths
        .iter()
        .zip(&names)
        .map(|(path, name)| {
            let path = if is_standard_input(path) { Path::new("/dev/stdin") } else { path };
            let text = load::read_argument(path, "the Envoy configuration", limits::ENVOY_BYTES, smaller);
            text.map_err(|problem| ConfigErrors::single(name, *problem))
        })
        .collect();
    let read =
        texts.iter().zip(&names).filter_map(|(text, name)| text.as_deref().ok().map(|text| (text, name.as_str())));
    let mut checked = check_files(&read.collect::<Vec<_>>(), config);
    let mut found = std::mem::take(&mut checked.files).into_iter();
    let files = texts.into_iter().map(|text| match text {
        Ok(_) => found.next().unwrap_or_else(|| ConfigErrors::new("", None, Vec::new())),
        Err(problems) => problems,
    });
    Checked { files: files.collect(), ..checked }
}

fn is_standard_input(path: &Path) -> bool {
    path == Path::new("-")
}

/// The problems of an Envoy configuration: a bootstrap file, a file of resources, or what `/config_dump` gives, as YAML
/// or JSON. `config` is that of the Portcullis that it asks.
#[must_use]
pub fn lint(text: &str, name: &str, config: Option<&Config>) -> ConfigErrors {
    let mut files = check_files(&[(text, name)], config).files.into_iter();
    files.next().unwrap_or_else(|| ConfigErrors::new(name, None, Vec::new()))
}

/// Checks files, each given by its text and its name, that one Envoy reads together, such as the files of its listeners and of
/// its clusters. A file may be anything that [`lint`] takes, or Kubernetes resources that make an Envoy ask Portcullis.
#[must_use]
pub fn check_files(files: &[(&str, &str)], config: Option<&Config>) -> Checked {
    let (input, files) = input::read_files(files);
    let input::Input { scenes, objects, mut problems, unseen } = input;
    let mut seen = Seen { unseen, ..Seen::default() };
    for scene in &scenes {
        let (found, part) = of_trees(&scene.roots, config);
        let origin = scene.origin.as_ref();
        problems.extend(found.into_iter().map(|problem| within_origin(problem, origin)));
        seen.add(part.within_origin(origin));
    }
    let found = kubernetes::lint(&objects, config);
    let (of_objects, unseen) = found.findings.finished();
    problems.extend(of_objects);
    // A problem of no place is one of what was added to the patched pieces.
    let patched = found.patched.map_or_else(Vec::new, |root| of_trees(&[root], config).0);
    let patched = patched.into_iter().filter(|problem| problem.primary().is_some());
    problems.extend(patched.map(|problem| kubernetes::with_resource(problem, &objects)));
    seen.unseen.extend(unseen.into_iter().chain(found.unseen));
    let mut said = HashSet::new();
    problems.retain(|problem| problem.primary().is_some() || said.insert(problem.to_string()));
    let mut named = HashSet::new();
    seen.unseen.retain(|one| named.insert(one.clone()));
    Checked { files: files.split(problems), seen, allowed: BTreeSet::new(), is_beside_errors: false }
}

/// Names the Envoy that a problem is about, where there are several. A place in a file names the file already.
fn within_origin(problem: Problem, origin: Option<&Resource>) -> Problem {
    match origin {
        Some(origin) if origin.kind() != input::FILE || problem.primary().is_none() => problem.within_resource(origin),
        _ => problem,
    }
}

/// Lints the trees that one Envoy reads.
fn of_trees(roots: &[Node], config: Option<&Config>) -> (Vec<Problem>, Seen) {
    let usual = IdentityHeaders::default();
    let scene = Scene::new(roots);
    let identity = config.map_or(&usual, |config| &config.identity);
    let around = Around { scene: &scene, config, identity };
    let mut findings = Findings::default();
    manager::lint_all(&mut findings, &around);
    let (problems, unseen) = findings.finished();
    (problems, Seen::new(&scene, unseen))
}
