//! The imports of a crate, read from its source: which file names a module of which other file.
//!
//! `crate::`, `super::`, `self::` and bare names of child modules are resolved, in `use` trees, in paths anywhere in the code
//! and in the arguments of macros. Unit tests are no imports: whatever is `#[cfg(test)]`, and files that are declared so.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use syn::{
    Attribute, Item, ItemMod, ItemUse, UseTree,
    visit::{self, Visit},
};

/// A module: `["policy", "rule"]`. The root of a crate is empty.
pub(crate) type Module = Vec<String>;

/// The sources of a crate: the code of each module's file. Modules that stand inside of a file belong to it.
#[derive(Clone, Default)]
pub(crate) struct Sources(pub(crate) BTreeMap<Module, String>);

/// The files that each file imports from.
pub(crate) type Imports = BTreeMap<Module, BTreeSet<Module>>;

impl Sources {
    /// All files below a directory that has a `lib.rs`.
    pub(crate) fn read(directory: &Path) -> Self {
        let mut sources = Self::default();
        sources.add(directory, &mut Vec::new());
        assert!(sources.0.len() > 10, "the walk found too little to mean anything: {}", sources.0.len());
        sources
    }

    fn add(&mut self, directory: &Path, module: &mut Module) {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            if path.is_dir() {
                module.push(name);
                self.add(&path, module);
                module.pop();
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let is_directory_itself = name == "mod" || (module.is_empty() && name == "lib");
                let own = if is_directory_itself { module.clone() } else { [module.clone(), vec![name]].concat() };
                self.0.insert(own, fs::read_to_string(&path).unwrap());
            }
        }
    }

    /// Every import between two files, without those of unit tests.
    pub(crate) fn imports(&self) -> Imports {
        let files: BTreeMap<&Module, syn::File> =
            self.0.iter().map(|(module, code)| (module, syn::parse_file(code).unwrap())).collect();
        let mut tests = BTreeSet::new();
        for (module, file) in &files {
            declared_tests(module, &file.items, &mut tests);
        }
        let is_test = |module: &Module| tests.iter().any(|test| module.starts_with(test));
        let mut imports = Imports::new();
        for (module, file) in files.iter().filter(|(module, _)| !is_test(module)) {
            let mut found = Found { sources: self, file: module, module: (*module).clone(), imports: BTreeSet::new() };
            found.visit_file(file);
            imports.insert((*module).clone(), found.imports);
        }
        imports
    }
}

/// Says whether something is compiled for tests alone, of this crate or of others.
fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let text = attribute.meta.require_list().map(|list| list.tokens.to_string()).unwrap_or_default();
        attribute.path().is_ident("cfg")
            && (text == "test" || text.starts_with("any (test") || text.starts_with("any(test"))
    })
}

/// Adds the modules that a file declares for tests alone, each by its file.
fn declared_tests(parent: &Module, items: &[Item], tests: &mut BTreeSet<Module>) {
    for item in items {
        if let Item::Mod(ItemMod { attrs, ident, content: None, .. }) = item
            && is_for_tests(attrs)
        {
            let path = attrs.iter().find(|attribute| attribute.path().is_ident("path"));
            let file = path.map(|path| match &path.meta.require_name_value().unwrap().value {
                syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) => text.value(),
                _ => panic!("a path that is no text"),
            });
            match file {
                // A file beside the one that declares it.
                Some(file) => {
                    let name = file.trim_end_matches(".rs").to_owned();
                    let directory = parent.split_last().map(|(_, directory)| directory.to_vec()).unwrap_or_default();
                    tests.insert([directory, vec![name]].concat());
                }
                None => {
                    tests.insert([parent.clone(), vec![ident.to_string()]].concat());
                }
            }
        }
    }
}

/// The imports of one file, as they are found.
struct Found<'s> {
    sources: &'s Sources,
    file: &'s Module,
    /// The module that is being looked at: the file's, or one inside of it.
    module: Module,
    imports: BTreeSet<Module>,
}

impl Found<'_> {
    /// Notes the file of the module that a path begins with, if it is one of this crate.
    fn note(&mut self, path: &[String]) {
        let Some((first, rest)) = path.split_first() else { return };
        let (mut base, mut rest) = match first.as_str() {
            "crate" => (Module::new(), rest),
            "self" => (self.module.clone(), rest),
            "super" => (self.module.split_last().map(|(_, parent)| parent.to_vec()).unwrap_or_default(), rest),
            _ if self.sources.0.contains_key(&[self.module.clone(), vec![first.clone()]].concat()) => {
                (self.module.clone(), path)
            }
            _ => return,
        };
        while let Some(("super", after)) = rest.split_first().map(|(first, after)| (first.as_str(), after)) {
            base.pop();
            rest = after;
        }
        for name in rest {
            let longer = [base.clone(), vec![name.clone()]].concat();
            // A module inside of this very file has no file of its own.
            if !self.sources.0.contains_key(&longer) && !self.module.starts_with(&longer) {
                break;
            }
            base = longer;
        }
        while !self.sources.0.contains_key(&base) && base.pop().is_some() {}
        if base != *self.file && self.sources.0.contains_key(&base) {
            self.imports.insert(base);
        }
    }

    fn note_tree(&mut self, prefix: &[String], tree: &UseTree) {
        match tree {
            UseTree::Path(path) => {
                self.note_tree(&[prefix.to_vec(), vec![path.ident.to_string()]].concat(), &path.tree);
            }
            UseTree::Name(name) if name.ident == "self" => self.note(prefix),
            UseTree::Name(name) => self.note(&[prefix.to_vec(), vec![name.ident.to_string()]].concat()),
            UseTree::Rename(name) => self.note(&[prefix.to_vec(), vec![name.ident.to_string()]].concat()),
            UseTree::Glob(_) => self.note(prefix),
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.note_tree(prefix, tree)),
        }
    }
}

impl<'ast> Visit<'ast> for Found<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        let attributes = match item {
            Item::Const(item) => &item.attrs,
            Item::Enum(item) => &item.attrs,
            Item::Fn(item) => &item.attrs,
            Item::Impl(item) => &item.attrs,
            Item::Macro(item) => &item.attrs,
            Item::Mod(item) => &item.attrs,
            Item::Static(item) => &item.attrs,
            Item::Struct(item) => &item.attrs,
            Item::Trait(item) => &item.attrs,
            Item::Type(item) => &item.attrs,
            Item::Use(item) => &item.attrs,
            _ => return visit::visit_item(self, item),
        };
        if !is_for_tests(attributes) {
            visit::visit_item(self, item);
        }
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        if !is_for_tests(&item.attrs) {
            visit::visit_impl_item_fn(self, item);
        }
    }

    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        self.module.push(item.ident.to_string());
        visit::visit_item_mod(self, item);
        self.module.pop();
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        self.note_tree(&[], &item.tree);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if names.len() > 1 {
            self.note(&names);
        }
        visit::visit_path(self, path);
    }

    /// The arguments of a macro are no code to `syn`: the words of each path are put together again.
    fn visit_macro(&mut self, item: &'ast syn::Macro) {
        let text = item.tokens.to_string().replace(" :: ", "::");
        for word in text.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')) {
            let names: Vec<String> = word.split("::").map(str::to_owned).collect();
            if names.len() > 1 {
                self.note(&names);
            }
        }
        visit::visit_macro(self, item);
    }
}
