//! Which modules use which, and the cycles among them.

use std::collections::{BTreeMap, BTreeSet};

use super::modules::{Crate, Id};

/// The uses between the modules of a folder, for each folder of a crate.
///
/// A folder is one node to its siblings, whichever of its files uses something or is used.
#[derive(Default)]
pub(crate) struct Graph {
    folders: BTreeMap<Vec<String>, Folder>,
}

/// The uses between the modules of one folder, with the places in the code.
type Folder = BTreeMap<Node, BTreeMap<Node, BTreeSet<String>>>;

/// A module of a folder, or `None` for the file of the folder itself.
type Node = Option<String>;

/// How many places a report shows for the use of a module by another one.
const SHOWN: usize = 3;

impl Graph {
    pub(crate) fn of(modules: &Crate) -> Self {
        let mut graph = Self::default();
        for (from, module) in modules.modules.iter().enumerate() {
            let mentions = &module.scope.mentions;
            for path in &mentions.paths {
                let place =
                    format!("{}:{}: `{}`", module.file, path.line, path.segments.join("::"));
                let used = match path.segments.split_last() {
                    Some((last, path)) if last == "*" => modules.glob(from, path, &mentions.names),
                    _ => modules.definition(from, &path.segments).into_iter().collect(),
                };
                for to in used {
                    graph.add(modules, from, to, &place);
                }
            }
        }
        graph
    }

    fn add(&mut self, modules: &Crate, from: Id, to: Id, place: &str) {
        let (from, to) = (&modules.modules[from], &modules.modules[to]);
        if from.place == to.place {
            return;
        }
        let shared = from.place.iter().zip(&to.place).take_while(|(a, b)| a == b).count();
        let folder = self.folders.entry(from.place[..shared].to_vec()).or_default();
        let uses = folder.entry(from.place.get(shared).cloned()).or_default();
        let place = format!("{place} of {}", to.file);
        uses.entry(to.place.get(shared).cloned()).or_default().insert(place);
    }

    /// The cycles of each folder: the modules, and the places of the uses between them.
    pub(crate) fn cycles(&self) -> Vec<String> {
        let mut cycles = Vec::new();
        for (folder, uses) in &self.folders {
            let mut known = BTreeSet::new();
            for node in uses.keys() {
                let cycle: BTreeSet<_> = reached(uses, node)
                    .into_iter()
                    .filter(|other| reached(uses, other).contains(node))
                    .collect();
                if cycle.len() > 1 && known.insert(cycle.clone()) {
                    cycles.push(show(folder, uses, &cycle));
                }
            }
        }
        cycles
    }
}

/// The nodes that a node uses, directly or through others.
fn reached<'f>(folder: &'f Folder, node: &Node) -> BTreeSet<&'f Node> {
    let mut reached = BTreeSet::new();
    let mut next: Vec<&Node> = folder.get(node).into_iter().flat_map(BTreeMap::keys).collect();
    while let Some(node) = next.pop() {
        if reached.insert(node) {
            next.extend(folder.get(node).into_iter().flat_map(BTreeMap::keys));
        }
    }
    reached
}

fn show(folder: &[String], uses: &Folder, cycle: &BTreeSet<&Node>) -> String {
    let name = |node: &Node| match node {
        Some(name) => [folder, std::slice::from_ref(name)].concat().join("::"),
        None if folder.is_empty() => "the root itself".to_owned(),
        None => format!("{} itself", folder.join("::")),
    };
    // The file of the folder last: it is the one that routes.
    let mut names: Vec<_> = cycle.iter().filter(|node| node.is_some()).collect();
    names.extend(cycle.iter().filter(|node| node.is_none()));
    let mut text = names.iter().map(|node| name(node)).collect::<Vec<_>>().join(", ");
    for from in &names {
        for (to, places) in uses.get(**from).into_iter().flatten() {
            if cycle.contains(to) {
                for place in places.iter().take(SHOWN) {
                    text.push_str("\n    ");
                    text.push_str(place);
                }
            }
        }
    }
    text
}
