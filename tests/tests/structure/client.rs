//! The client crate is known to one module, so that another client changes this module only.

use crate::report::require_none;
use crate::rust::{Token, Tree, parse};
use crate::workspace::files;

const IMPORTER: &str = "metastore/src/redis/connection";
/// What metastore is measured against uses the client directly.
const MEASURED: &str = "benches/src/peers/";

#[test]
fn the_client_crate_is_imported_in_one_place() {
    let mut violations = Vec::new();
    for file in files(".", &["rs"]) {
        if file.path.starts_with(IMPORTER) || file.path.starts_with(MEASURED) {
            continue;
        }
        for line in lines_with_fred(&parse(&file.text)) {
            violations.push(format!("{}:{line}: uses `fred`", file.path));
        }
    }
    for manifest in files(".", &["toml"]) {
        if ["Cargo.toml", "metastore/Cargo.toml", "benches/Cargo.toml"].contains(&&*manifest.path) {
            continue;
        }
        for (number, line) in manifest.text.lines().enumerate() {
            if line.starts_with("fred") {
                violations.push(format!("{}:{}: depends on `fred`", manifest.path, number + 1));
            }
        }
    }
    require_none(
        &format!("only {IMPORTER} may use the crate `fred`"),
        &violations,
        "Add what is needed to the connection's own interface, and use that.",
    );
}

/// The lines with a path that begins with the crate's name.
fn lines_with_fred(trees: &[Tree]) -> Vec<usize> {
    let mut lines = Vec::new();
    for (at, tree) in trees.iter().enumerate() {
        let is_colon = |at: usize| trees.get(at).is_some_and(|tree| tree.is(':'));
        match &tree.token {
            Token::Group(_, trees) => lines.extend(lines_with_fred(trees)),
            Token::Name(name) if name == "fred" && is_colon(at + 1) && is_colon(at + 2) => {
                lines.push(tree.line);
            }
            _ => {}
        }
    }
    lines
}

#[test]
fn paths_of_the_client_are_found() {
    let lines =
        lines_with_fred(&parse("use fred::a;\nlet fred = f!(x, fred::b());\nfred.c::<D>();"));
    assert_eq!(lines, [1, 2]);
}
