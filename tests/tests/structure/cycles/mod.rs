//! No modules use each other in a cycle: no files within a folder, and no folders.
//!
//! A module uses another one where its code has a path to an item that the other one defines.
//! A path through a re-export counts as a use of the file that defines the item, and a
//! re-export alone as no use. Unit tests (`#[cfg(test)]`) are left out: they may use
//! everything in their crate.

mod graph;
mod modules;
mod paths;
mod scope;

use self::graph::Graph;
use self::modules::Crate;
use crate::report::require_none;
use crate::workspace::{relative, targets};

/// Cycles that are allowed: the root of the target, the modules, and why.
const EXCEPTIONS: [(&str, &str, &str); 1] = [(
    "examples/user-management/main.rs",
    "config, notes, repo, sessions, settings, users",
    "each file of this example has a collection and its operations, which take the repository of \
     all collections",
)];

#[test]
fn modules_do_not_use_each_other_in_a_cycle() {
    let mut cycles = Vec::new();
    for target in targets() {
        let mut of_target = Graph::of(&Crate::parse(&target)).cycles();
        let root = relative(&target.root);
        for (_, modules, _) in EXCEPTIONS.iter().filter(|(name, ..)| *name == root) {
            let count = of_target.len();
            of_target.retain(|cycle| cycle.lines().next() != Some(modules));
            if of_target.len() == count {
                cycles.push(format!("`EXCEPTIONS` lists {modules} of {root}, which is no cycle"));
            }
        }
        cycles.append(&mut of_target);
    }
    require_none(
        "modules must not use each other in a cycle",
        &cycles,
        "Move what two modules share into a module that both may use, or move the code that uses \
         the other module to the module further up.",
    );
}

#[test]
fn a_cycle_is_found_between_files_and_between_folders() {
    let cycle = |files: &[(&[&str], &str)]| Graph::of(&Crate::from_texts(files)).cycles();
    let root: (&[&str], &str) = (&[], "mod a; mod b; pub use a::A;");
    assert_eq!(cycle(&[root, (&["a"], "pub struct A;"), (&["b"], "use crate::A;")]), [""; 0]);

    let found = cycle(&[
        root,
        (&["a"], "pub struct A;\nfn f() { println!(\"{}\", crate::b::B); }"),
        (&["b"], "use crate::{self as root, A};\npub struct B;"),
    ]);
    assert_eq!(found, ["a, b\n    a.rs:2: `crate::b::B` of b.rs\n    b.rs:1: `crate::A` of a.rs"]);

    let folders = [
        (&["a"] as &[&str], "mod one; mod two;"),
        (&["a", "one"], "use crate::b::B;"),
        (&["a", "two"], "pub struct Two;"),
        (&["b"], "pub struct B;\nfn f(_: super::a::two::Two) {}"),
    ];
    let found = cycle(&[&[root][..], &folders].concat());
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with("a, b\n"), "{found:?}");

    let parent = [
        (&["a"] as &[&str], "mod one;\nuse one::One;\npub struct A;"),
        (&["a", "one"], "pub struct One(super::A);"),
        (&["b"], "#[cfg(test)] mod tests { use crate::a::A; }"),
    ];
    let found = cycle(&[&[root][..], &parent].concat());
    assert_eq!(
        found,
        [
            "a::one, a itself\n    a/one.rs:1: `super::A` of a.rs\n    a.rs:2: `one::One` of a/one.rs"
        ]
    );
}
