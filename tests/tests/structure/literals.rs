//! The string literals of Rust and Lua sources.

use std::collections::BTreeSet;

use crate::rust::{Token, Tree, items, parse};
use crate::workspace::File;

/// The text of a literal, and its line.
pub(crate) type Literal = (usize, String);

/// The paths of the files that are modules of unit tests as a whole.
pub(crate) fn test_files(files: &[File]) -> BTreeSet<String> {
    let mut tests = BTreeSet::new();
    for file in files.iter().filter(|file| file.path.ends_with(".rs")) {
        let (folder, name) = file.path.rsplit_once('/').expect("a file is in a folder");
        let folder = match name {
            "lib.rs" | "main.rs" | "mod.rs" => folder.to_owned(),
            name => format!("{folder}/{}", name.trim_end_matches(".rs")),
        };
        for item in items(&parse(&file.text)).iter().filter(|item| item.is_test) {
            let module = item.name.unwrap_or_default();
            tests.insert(format!("{folder}/{module}.rs"));
            let inner = format!("{folder}/{module}/");
            let below = files.iter().filter(|file| file.path.starts_with(&inner));
            tests.extend(below.map(|file| file.path.clone()));
        }
    }
    tests
}

/// The string literals of a Rust file, but for its documentation and its unit tests.
pub(crate) fn of_rust(file: &File) -> BTreeSet<Literal> {
    let mut literals = BTreeSet::new();
    for item in items(&parse(&file.text)).iter().filter(|item| !item.is_test) {
        collect(item.attributes, &mut literals);
        collect(item.trees, &mut literals);
    }
    literals
}

fn collect(trees: &[Tree], literals: &mut BTreeSet<Literal>) {
    for tree in trees {
        match &tree.token {
            Token::Group(_, trees) => collect(trees, literals),
            Token::Text(text) => {
                literals.insert((tree.line, text.clone()));
            }
            _ => {}
        }
    }
}

/// The string literals of a script, but for its comments.
pub(crate) fn of_lua(file: &File) -> BTreeSet<Literal> {
    let mut literals = BTreeSet::new();
    for (number, line) in file.text.lines().enumerate() {
        let mut rest = line;
        while let Some(at) = rest.find(['\'', '"', '-']) {
            let quote = rest[at..].chars().next().expect("was found");
            if quote == '-' {
                if rest[at..].starts_with("--") {
                    break;
                }
                rest = &rest[at + 1..];
                continue;
            }
            let Some(length) = rest[at + 1..].find(quote) else { break };
            literals.insert((number + 1, rest[at + 1..][..length].to_owned()));
            rest = &rest[at + 1 + length + 1..];
        }
    }
    literals
}

#[test]
fn literals_in_comments_are_left_out() {
    let file = |text: &str| File { path: "example".to_owned(), text: text.to_owned() };
    let lua = file("-- 'a'\nf('b' .. \"c'\") -- 'd'\nlocal e = 1 - 2 .. 'f'");
    let expected = [(2, "b".to_owned()), (2, "c'".to_owned()), (3, "f".to_owned())];
    assert_eq!(of_lua(&lua), BTreeSet::from(expected));

    let rust = file(
        "/// \"a\"\nfn f() { g!(\"b\", b\"c\"); } // \"d\"\n#[e(\"f\")]\nstruct G;\n\
         #[cfg(test)]\nmod tests { const E: &str = \"e\"; }",
    );
    let expected = [(2, "b".to_owned()), (2, "c".to_owned()), (3, "f".to_owned())];
    assert_eq!(of_rust(&rust), BTreeSet::from(expected));
}
