//! The module tree of a crate, and what a path in it refers to.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::scope::Scope;
use crate::rust::{Item, items, parse};
use crate::workspace::{Target, relative};

/// The position of a module in its crate.
pub(crate) type Id = usize;

/// One module.
pub(crate) struct Module {
    /// The names of the modules from the crate's root down to the one whose file this module is in.
    pub(crate) place: Vec<String>,
    /// The file, as reports show it.
    pub(crate) file: String,
    pub(crate) scope: Scope,
    parent: Option<Id>,
    children: HashMap<String, Id>,
}

/// The modules of one crate; the first one is its root.
pub(crate) struct Crate {
    name: String,
    pub(crate) modules: Vec<Module>,
}

/// Where modules get their text: from files, or in the tests of these tests from memory.
enum Source<'t> {
    Files,
    Texts(&'t [(&'t [&'t str], &'t str)]),
}

impl Crate {
    /// Reads the files of a target.
    pub(crate) fn parse(target: &Target) -> Self {
        let mut it = Self { name: target.name.clone(), modules: Vec::new() };
        it.add_file(&Source::Files, None, &[], &target.root, true);
        it
    }

    /// Reads texts as the modules that they are named for.
    pub(crate) fn from_texts(texts: &[(&[&str], &str)]) -> Self {
        let mut it = Self { name: "example".to_owned(), modules: Vec::new() };
        it.add_file(&Source::Texts(texts), None, &[], Path::new("lib.rs"), true);
        it
    }

    fn add_file(
        &mut self,
        source: &Source<'_>,
        parent: Option<Id>,
        place: &[String],
        path: &Path,
        owns_folder: bool,
    ) -> Id {
        let text = match source {
            Source::Files => fs::read_to_string(path)
                .unwrap_or_else(|error| panic!("{}: {error}", path.display())),
            Source::Texts(texts) => {
                let found = texts.iter().find(|(name, _)| *name == place);
                found.map(|(_, text)| (*text).to_owned()).expect("the text of the module")
            }
        };
        let trees = parse(&text);
        let folder = if owns_folder { path.with_file_name("") } else { path.with_extension("") };
        self.add(source, parent, place, path, &folder, &items(&trees))
    }

    fn add(
        &mut self,
        source: &Source<'_>,
        parent: Option<Id>,
        place: &[String],
        path: &Path,
        folder: &Path,
        items: &[Item<'_>],
    ) -> Id {
        let id = self.modules.len();
        self.modules.push(Module {
            place: place.to_vec(),
            file: relative(path),
            scope: Scope::read(items),
            parent,
            children: HashMap::new(),
        });
        for item in items.iter().filter(|item| item.keyword == "mod" && !item.is_test) {
            let name = item.name.expect("a module has a name").to_owned();
            let inline = item.trees.last().and_then(|last| last.group('{'));
            let child = match inline {
                // An inline module belongs to the file that it is in.
                Some(trees) => {
                    let folder = folder.join(&name);
                    self.add(source, Some(id), place, path, &folder, &crate::rust::items(trees))
                }
                None => {
                    let place = [place, std::slice::from_ref(&name)].concat();
                    let (path, owns_folder) = locate(source, &name, item.path, path, folder);
                    self.add_file(source, Some(id), &place, &path, owns_folder)
                }
            };
            self.modules[id].children.insert(name, child);
        }
        id
    }

    /// The module that defines what a path refers to, seen from a module; `None` for other crates.
    pub(crate) fn definition(&self, from: Id, path: &[String]) -> Option<Id> {
        self.resolve(from, path, 0).map(|(id, _)| id)
    }

    /// The modules that define those of these names that a glob import brings into scope.
    pub(crate) fn glob(&self, from: Id, path: &[String], names: &HashSet<String>) -> Vec<Id> {
        let Some((id, true)) = self.resolve(from, path, 0) else { return Vec::new() };
        names.iter().filter_map(|name| self.lookup(id, name, 0)).map(|(id, _)| id).collect()
    }

    /// The module that a path refers to or in which the item is that it refers to; whether it is
    /// the module itself.
    fn resolve(&self, from: Id, path: &[String], depth: usize) -> Option<(Id, bool)> {
        // Imports can be circular, as in two modules with glob imports of each other.
        if depth > 16 {
            return None;
        }
        let (first, rest) = path.split_first()?;
        let mut found = match first.as_str() {
            "crate" => (0, true),
            "self" => (from, true),
            "super" => (self.modules[from].parent?, true),
            name => match self.lookup(from, name, depth + 1) {
                Some(found) => found,
                None if name == self.name => (0, true),
                None => return None,
            },
        };
        for name in rest {
            let (id, true) = found else { break };
            found = match name.as_str() {
                "super" => (self.modules[id].parent?, true),
                "self" => (id, true),
                name => self.lookup(id, name, depth + 1)?,
            };
        }
        Some(found)
    }

    fn lookup(&self, id: Id, name: &str, depth: usize) -> Option<(Id, bool)> {
        let Module { scope, children, .. } = &self.modules[id];
        if let Some(child) = children.get(name) {
            return Some((*child, true));
        }
        if scope.items.contains(name) {
            return Some((id, false));
        }
        if let Some(path) = scope.imports.get(name) {
            // `use name::Other` within a module of this name would find itself.
            let is_itself = path.first().is_some_and(|first| first == name);
            return if is_itself { None } else { self.resolve(id, path, depth) };
        }
        scope.globs.iter().find_map(|path| {
            let (module, true) = self.resolve(id, path, depth)? else { return None };
            if module == id { None } else { self.lookup(module, name, depth + 1) }
        })
    }
}

/// The file of a module that is declared in another one, and whether its children are next to it.
fn locate(
    source: &Source<'_>,
    name: &str,
    stated: Option<&str>,
    parent: &Path,
    folder: &Path,
) -> (PathBuf, bool) {
    if let Some(stated) = stated {
        return (parent.with_file_name(stated), true);
    }
    let in_folder = folder.join(name).join("mod.rs");
    match source {
        Source::Files if in_folder.exists() => (in_folder, true),
        _ => (folder.join(format!("{name}.rs")), false),
    }
}
