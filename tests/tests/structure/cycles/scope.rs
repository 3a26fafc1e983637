//! The names that a module defines and imports.

use std::collections::{HashMap, HashSet};

use super::paths::Mentions;
use crate::rust::{Item, Tree};

/// The names of one module, and the paths that its code spells.
#[derive(Default)]
pub(crate) struct Scope {
    pub(crate) items: HashSet<String>,
    /// The path behind each imported name.
    pub(crate) imports: HashMap<String, Vec<String>>,
    pub(crate) globs: Vec<Vec<String>>,
    pub(crate) mentions: Mentions,
}

impl Scope {
    /// Reads the items of a module apart from the modules among them and from unit tests.
    pub(crate) fn read(items: &[Item<'_>]) -> Self {
        let mut scope = Self::default();
        let mut reexports = Vec::new();
        for item in items.iter().filter(|item| !item.is_test) {
            match item.keyword {
                "mod" => {}
                "use" => {
                    scope.import(&item.trees[1..], &[]);
                    if item.is_public {
                        reexports.push(&item.trees[1..]);
                    } else {
                        scope.mentions.read(&item.trees[1..]);
                    }
                }
                _ => {
                    scope.items.extend(item.name.map(str::to_owned));
                    scope.mentions.read(item.trees);
                }
            }
        }
        scope.read_used_reexports(&reexports);
        scope
    }

    /// A re-export is a use of the other module only if the code of this one needs the name, too.
    fn read_used_reexports(&mut self, reexports: &[&[Tree]]) {
        let mut used = Mentions::default();
        for trees in reexports {
            used.read(trees);
        }
        used.paths.retain(|path| {
            path.segments.last().is_some_and(|name| self.mentions.names.contains(name))
        });
        self.mentions.paths.append(&mut used.paths);
    }

    /// Adds the imports of the tree of a `use` item after a prefix.
    fn import(&mut self, trees: &[Tree], prefix: &[String]) {
        for tree in trees.split(|tree| tree.is(',') || tree.is(';')) {
            let mut path = prefix.to_vec();
            let mut name = None;
            let mut trees = tree.iter();
            while let Some(tree) = trees.next() {
                if let Some(group) = tree.group('{') {
                    self.import(group, &path);
                } else if tree.is('*') {
                    self.globs.push(path.clone());
                } else if tree.name() == Some("as") {
                    name = trees.next().and_then(Tree::name);
                } else if let Some(segment) = tree.name() {
                    let is_prefix = segment == "self" && !path.is_empty();
                    if !is_prefix {
                        path.push(segment.to_owned());
                    }
                    name = Some(segment);
                }
            }
            let ends_in_name = tree.last().is_some_and(|last| last.name().is_some());
            if let Some(name) = name.filter(|_| ends_in_name) {
                let name = if name == "self" { path.last().expect("has a prefix") } else { name };
                self.imports.insert(name.to_owned(), path);
            }
        }
    }
}
