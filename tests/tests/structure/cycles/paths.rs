//! The paths that code spells, read from its tokens, so that paths in macro
//! calls are found as well.

use std::collections::HashSet;

use crate::rust::{Token, Tree};

/// A path of at least two segments; `*` is the last one of a glob import.
pub(crate) struct Spelled {
    pub(crate) segments: Vec<String>,
    pub(crate) line: usize,
}

/// What the tokens of a module mention.
#[derive(Default)]
pub(crate) struct Mentions {
    pub(crate) paths: Vec<Spelled>,
    pub(crate) names: HashSet<String>,
}

impl Mentions {
    /// Adds what the tokens mention.
    pub(crate) fn read(&mut self, trees: &[Tree]) {
        self.read_after(trees, &[]);
    }

    /// Adds what the tokens mention, which are in the braces after a prefix in a `use` item.
    fn read_after(&mut self, trees: &[Tree], prefix: &[String]) {
        let mut at = 0;
        while at < trees.len() {
            let tree = &trees[at];
            match &tree.token {
                Token::Name(first) => {
                    self.names.insert(first.clone());
                    if is_continuation(&trees[..at]) {
                        at += 1;
                        continue;
                    }
                    let mut segments = [prefix, std::slice::from_ref(first)].concat();
                    at += 1;
                    at += self.read_segments(&trees[at..], &mut segments);
                    if segments.len() > 1 {
                        self.paths.push(Spelled { segments, line: tree.line });
                    }
                    // A new name for an import is not a path.
                    if trees.get(at).is_some_and(|next| next.name() == Some("as")) {
                        at += if prefix.is_empty() { 1 } else { 2 };
                    }
                }
                Token::Group(_, trees) => {
                    self.read(trees);
                    at += 1;
                }
                _ => at += 1,
            }
        }
    }

    /// Reads the segments after the first one, and returns how many tokens they have.
    fn read_segments(&mut self, trees: &[Tree], segments: &mut Vec<String>) -> usize {
        let mut at = 0;
        while is_separator(&trees[at..]) {
            let Some(next) = trees.get(at + 2) else { break };
            match &next.token {
                Token::Name(name) => {
                    self.names.insert(name.clone());
                    segments.push(name.clone());
                }
                Token::Punct('*') => segments.push("*".to_owned()),
                Token::Group('{', trees) => {
                    self.read_after(trees, segments);
                    segments.clear();
                }
                _ => break,
            }
            at += 3;
        }
        at
    }
}

/// Whether the next tokens are `::`.
fn is_separator(trees: &[Tree]) -> bool {
    matches!(trees, [first, second, ..] if first.is(':') && second.is(':'))
}

/// Whether the tokens end in `::` or in `.`, so that the next name belongs to what is before it.
fn is_continuation(trees: &[Tree]) -> bool {
    match trees {
        [.., before, last] if last.is('.') => !before.is('.'),
        [.., before, last] => before.is(':') && last.is(':'),
        _ => false,
    }
}
