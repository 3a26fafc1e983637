//! The string literals of Rust and Lua sources.

use std::collections::BTreeSet;

use crate::rust::{Token, Tree, items, parse};
use crate::workspace::File;

/// The text of a literal, and its line.
pub(crate) type Literal = (usize, String);

/// Whether a file belongs to unit tests as a whole, by its name.
pub(crate) fn is_test_file(file: &File) -> bool {
    file.path.split('/').any(|part| part == "tests" || part == "tests.rs")
}

/// The string literals of a Rust file, but for its documentation and its unit tests.
pub(crate) fn of_rust(file: &File) -> BTreeSet<Literal> {
    let mut literals = BTreeSet::new();
    for item in items(&parse(&file.text)).iter().filter(|item| !item.is_test) {
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
        "/// \"a\"\nfn f() { g!(\"b\", b\"c\"); } // \"d\"\n#[cfg(test)]\nmod tests { const E: &str = \"e\"; }",
    );
    assert_eq!(of_rust(&rust), BTreeSet::from([(2, "b".to_owned()), (2, "c".to_owned())]));
}
