//! Takes the documents of each file, by their kind, and gathers what can be linted.

use super::{
    config_map::{Held, HeldFile},
    document::Document,
    egctl,
    kind::{self, Kind},
    ours, relocate, resources,
    scenes::{EnvoyTrees, Owner, Part, Parts},
    template,
    unread_words::unread_words,
    version,
};
use crate::{
    config::{error::Problem, site::Resource},
    document::{
        suggest::quoted,
        tree::{Node, Place},
    },
    tools::envoy_lint::kubernetes::Object,
};

/// The name of what comes from another program.
pub(crate) const STANDARD_INPUT: &str = "standard input";

/// The kind that a file has among the origins of Envoys.
pub(crate) const FILE: &str = "file";

/// The help where a file is nothing that can be linted.
const EXPECTED: &str = "name the file that `envoy -c` reads, a file of its resources, what `curl localhost:9901/config_dump` gives, \
                        or what `istioctl proxy-config all POD -o json` or `egctl config envoy-proxy all` prints";
const KUBERNETES_HELP: &str = "lint what Envoy is given in the end: `curl localhost:9901/config_dump` (Istio's Envoys listen on 15000), \
                               or the ConfigMap that holds its bootstrap file";

/// The content of all files.
#[derive(Default)]
pub(crate) struct Input {
    /// The trees of each Envoy.
    pub(crate) scenes: Vec<EnvoyTrees>,
    /// Kubernetes resources that decide about ext_authz.
    pub(crate) objects: Vec<Object>,
    /// The faults of files that can't be linted.
    pub(crate) problems: Vec<Problem>,
    /// The things that were not looked at, each as a part of a sentence.
    pub(crate) unseen: Vec<String>,
}

/// The documents of all files, as far as they are recognised.
#[derive(Default)]
pub(super) struct Reader {
    input: Input,
    parts: Parts,
    /// Files of Kubernetes resources that decide nothing about ext_authz: the place of the first one, and words for each.
    other_files: Vec<(Place, Vec<String>)>,
    /// Says whether there is a document that can be linted.
    has_known: bool,
}

impl Reader {
    /// Takes the documents of a file, whose places become those behind `base`.
    pub(super) fn read_documents(&mut self, documents: Vec<Document>, name: &str, base: usize) {
        if documents.is_empty() {
            let (message, help) = if name == STANDARD_INPUT {
                ("nothing came from the standard input", "the command before it may have failed: `curl -sS` says why")
            } else {
                ("the file is empty", EXPECTED)
            };
            let problem = Problem::error(&Place::File(relocate::start(base)), message).help(help);
            return self.input.problems.push(problem);
        }
        let mut documents = documents;
        if documents.len() > 1 && documents.first().is_some_and(|first| kind::is_read_by_envoy(first.kind, &first.root))
        {
            documents.truncate(1);
            self.input.unseen.push(unread_words(name));
        }
        let mut unknown = Vec::new();
        let mut ignored = Vec::new();
        let mut known = 0_usize;
        for document in documents {
            match self.read_document(document, name, base) {
                Ok(()) => known = known.saturating_add(1),
                Err(Unread::Unknown(place)) => unknown.push(place),
                Err(Unread::Kubernetes(place, what)) => ignored.push((place, what)),
            }
        }
        self.has_known |= known > 0;
        if known > 0 {
            self.input.unseen.extend(ignored.into_iter().map(|(_, what)| what));
            self.input
                .unseen
                .extend(unknown.iter().map(|_| format!("a document of {} of no known kind", quoted(name))));
        } else if let Some((place, _)) = ignored.first() {
            let place = place.clone();
            self.other_files.push((place, ignored.into_iter().map(|(_, what)| what).collect()));
        } else {
            let place = unknown.into_iter().next().unwrap_or_else(|| Place::File(relocate::start(base)));
            self.input.problems.push(Problem::error(&place, "this is not an Envoy configuration").help(EXPECTED));
        }
    }

    /// Takes a document, with places that are still those of its file.
    fn read_document(&mut self, document: Document, name: &str, base: usize) -> Result<(), Unread> {
        let at = |root: &Node| relocate::shifted(&root.place, base);
        let Document { kind, mut root, held, problems } = document;
        self.input.problems.extend(problems.into_iter().map(|problem| problem.shifted(base)));
        match kind {
            Kind::Envoy => {
                let number = self.parts.number(Resource::new(FILE, Some(name)), std::iter::once(&root));
                self.add(Owner::Numbered(number), root, base);
            }
            Kind::Resources => {
                let (root, left_out) = resources::with_types(root);
                if left_out > 0 {
                    self.input
                        .unseen
                        .push(format!("{left_out} entries of a list that are no listener, route or cluster"));
                }
                self.add(Owner::Common, root, base);
            }
            Kind::Pods => {
                for (pod, dump) in egctl::dumps(root) {
                    self.add(Owner::Pod(pod), dump, base);
                }
            }
            Kind::ConfigMap => {
                let Some(held) = held.filter(|held| !held.is_empty()) else {
                    return Err(Unread::Kubernetes(at(&root), Object::describe(&root)));
                };
                self.add_config_map(held, Object::resource_of(&root), base);
            }
            Kind::Object => {
                relocate::shift(&mut root, base);
                self.input.objects.push(Object::new(root));
            }
            Kind::OtherObject => return Err(Unread::Kubernetes(at(&root), Object::describe(&root))),
            Kind::Unknown if ours::is_ours(&root) => {
                relocate::shift(&mut root, base);
                self.input.problems.push(ours::problem(&root));
            }
            Kind::Unknown => return Err(Unread::Unknown(at(&root))),
        }
        Ok(())
    }

    fn add_config_map(&mut self, held: Held, resource: Resource, base: usize) {
        let is_one_of_many = held.files.iter().filter(|file| kind::is_bootstrap(&file.root)).count() > 1;
        for mut root in held.meshes {
            relocate::shift(&mut root, base);
            self.input.objects.push(Object::new(root));
        }
        self.input.unseen.extend(held.unseen);
        self.input.problems.extend(held.problems.into_iter().map(|problem| problem.shifted(base)));
        // Each Envoy has one bootstrap file. Where there are several, nothing tells which of them the other files are for.
        let (apart, together): (Vec<HeldFile>, Vec<HeldFile>) =
            held.files.into_iter().partition(|file| is_one_of_many && kind::is_bootstrap(&file.root));
        for HeldFile { key, root } in apart {
            let name = format!("{}/{key}", resource.name().unwrap_or_default());
            let number = self.parts.number(Resource::new(resource.kind(), Some(&name)), std::iter::once(&root));
            self.add(Owner::Numbered(number), root, base);
        }
        let number = self.parts.number(resource, together.iter().map(|file| &file.root));
        for file in together {
            self.add(Owner::Numbered(number), file.root, base);
        }
    }

    fn add(&mut self, owner: Owner, mut root: Node, base: usize) {
        relocate::shift(&mut root, base);
        self.parts.push(Part { owner, root });
    }

    /// Notes the fault of a file that is left out.
    pub(super) fn refuse(&mut self, problem: Problem) {
        self.input.problems.push(problem);
    }

    /// Leaves out the trees that no Envoy of today reads, with a problem for each, and gives the rest.
    pub(super) fn finish(self) -> Input {
        let Self { mut input, parts, other_files, has_known } = self;
        for (place, words) in other_files {
            if has_known {
                input.unseen.extend(words);
            } else {
                let message = "this is a Kubernetes resource, not an Envoy configuration";
                input.problems.push(Problem::error(&place, message).help(KUBERNETES_HELP));
            }
        }
        for scene in parts.into_scenes() {
            let faults: Vec<Problem> = scene.roots.iter().filter_map(fault).collect();
            if faults.is_empty() {
                input.scenes.push(scene);
            }
            input.problems.extend(faults);
        }
        input.problems.extend(input.objects.iter().filter_map(|object| fault(object.root())));
        input
    }
}

fn fault(root: &Node) -> Option<Problem> {
    version::find_v2(root).or_else(|| template::find(root))
}

/// The reason why a document was not read.
enum Unread {
    /// The document is of no known kind.
    Unknown(Place),
    /// The document is a Kubernetes resource that decides nothing about ext_authz, with words for it.
    Kubernetes(Place, String),
}
