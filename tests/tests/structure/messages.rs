//! The messages in the guide to errors are those that the sources contain.

use std::collections::BTreeSet;

use crate::literals::of_rust;
use crate::report::require_none;
use crate::workspace::{File, files};

const GUIDE: &str = "docs/guide/errors.md";

/// A character of a text, or any characters: a placeholder in a literal, `…` in the guide.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    One(char),
    Any,
}

#[test]
fn messages_in_the_guide_are_in_the_sources() {
    let mut literals = BTreeSet::new();
    for package in ["metastore", "metastore-worker"] {
        for file in files(&format!("{package}/src"), &["rs"]) {
            literals.extend(of_rust(&file).into_iter().map(|(_, text)| text));
        }
    }
    let literals: Vec<Vec<Part>> = literals.iter().map(|text| of_literal(text)).collect();
    let guide = files("docs/guide", &["md"]);
    let guide = guide.iter().find(|file| file.path == GUIDE).expect("the guide exists");
    let messages = messages(guide);
    assert!(messages.len() > 40, "the tables of {GUIDE} are not recognised");
    let is_unknown = |message: &str| !literals.iter().any(|literal| is_of(message, literal));
    let unknown = messages.into_iter().filter(|(_, message)| is_unknown(message));
    let violations: Vec<String> =
        unknown.map(|(line, message)| format!("{GUIDE}:{line}: {message}")).collect();
    require_none(
        "a message in the guide to errors must be one of the sources",
        &violations,
        "Quote the message as it is now, with `…` for parts that depend on the case.",
    );
}

/// The lines and the messages of the tables whose first column contains messages.
fn messages(guide: &File) -> Vec<(usize, String)> {
    let mut messages = Vec::new();
    let mut is_table = false;
    for (number, line) in guide.text.lines().enumerate() {
        let Some(row) = line.strip_prefix("| ") else {
            is_table &= line.starts_with('|');
            continue;
        };
        let (cell, _) = row.split_once(" | ").expect("a row has two cells");
        if is_table {
            messages.push((number + 1, unquoted(cell)));
        }
        is_table |= cell == "message";
    }
    messages
}

/// The text of code spans, which may contain backticks if they are quoted by two.
fn unquoted(cell: &str) -> String {
    let span = |text: &str| {
        let text = text.trim_matches('`');
        // One space separates the quotes from a backtick at the beginning or the end.
        let padded = text.strip_prefix(' ').and_then(|text| text.strip_suffix(' '));
        padded.unwrap_or(text).to_owned()
    };
    let mut spans = Vec::new();
    let mut rest = cell;
    while let Some(at) = rest.find('`') {
        let quotes = rest[at..].len() - rest[at..].trim_start_matches('`').len();
        let end = rest[at + quotes..].find(&"`".repeat(quotes)).expect("a code span ends");
        let mut after = at + 2 * quotes + end;
        // A longer run of backticks ends with the quotes.
        while rest[after..].starts_with('`') {
            after += 1;
        }
        spans.push(span(&rest[at..after]));
        rest = &rest[after..];
    }
    spans.join(" ")
}

/// Whether a message can be one of a literal with placeholders, and most of it is of the literal.
fn is_of(message: &str, literal: &[Part]) -> bool {
    let message: Vec<Part> =
        message.chars().map(|c| if c == '…' { Part::Any } else { Part::One(c) }).collect();
    // Most literals begin in another way, and comparing all of them takes seconds.
    let ends = [message.first().zip(literal.first()), message.last().zip(literal.last())];
    let differ = |(a, b): (&Part, &Part)| a != b && *a != Part::Any && *b != Part::Any;
    if ends.into_iter().flatten().any(differ) {
        return false;
    }
    let text = message.iter().filter(|part| **part != Part::Any).count();
    common(&message, literal).is_some_and(|common| common >= 8.min(text) && 2 * common > text)
}

/// How many characters two texts have in common if both can be the same text.
fn common(a: &[Part], b: &[Part]) -> Option<usize> {
    // The best for the rest of `a` from each position, and the rest of `b` from each position.
    let mut best = vec![vec![None; b.len() + 1]; a.len() + 1];
    for i in (0..=a.len()).rev() {
        for j in (0..=b.len()).rev() {
            let (one, other) = (a.get(i), b.get(j));
            best[i][j] = match (one, other) {
                (None, None) => Some(0),
                (Some(Part::One(x)), Some(Part::One(y))) if x == y => {
                    best[i + 1][j + 1].map(|rest: usize| rest + 1)
                }
                _ => None,
            };
            // A placeholder is at its end, or contains one more part of the other text.
            if one == Some(&Part::Any) {
                let more = if j < b.len() { best[i][j + 1] } else { None };
                best[i][j] = best[i][j].max(best[i + 1][j]).max(more);
            }
            if other == Some(&Part::Any) {
                let more = if i < a.len() { best[i + 1][j] } else { None };
                best[i][j] = best[i][j].max(best[i][j + 1]).max(more);
            }
        }
    }
    best[0][0]
}

/// The parts of a literal, whose placeholders are in braces.
fn of_literal(text: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            // A literal continues after the indentation of the next line.
            '\\' if chars.peek() == Some(&'\n') => {
                while chars.next_if(|next| next.is_whitespace()).is_some() {}
            }
            '{' | '}' if chars.next_if_eq(&c).is_some() => parts.push(Part::One(c)),
            '{' => {
                while chars.next().is_some_and(|next| next != '}') {}
                parts.push(Part::Any);
            }
            c => parts.push(Part::One(c)),
        }
    }
    parts
}

#[test]
fn messages_are_compared_with_literals() {
    let is_of = |message, literal: &str| is_of(message, &of_literal(literal));
    assert!(is_of(
        "conflict: expected version 2, found 4",
        "conflict: expected version {a}, found {b}"
    ));
    assert!(is_of(
        "limit must be from 1 to 1000, not …",
        "limit must be from 1 to {}, \\\n    not {x:?}"
    ));
    assert!(is_of("limit is 1: …", "limit is {}: use page()"));
    assert!(!is_of("limit is 1: …", "the limit is {}: use page()"));
    assert!(!is_of("not found", "{}"));
    assert!(!is_of("the key is wrong", "{}: the key"));
    assert!(is_of("{a} is open", "{{a}} is open"));
}

#[test]
fn messages_are_read_from_tables() {
    let guide = "| message | kind |\n|---|---|\n| `a b` `` `c` `` `d` | `E` |\n\n| `x` | y |\n";
    let guide = File { path: GUIDE.to_owned(), text: guide.to_owned() };
    assert_eq!(messages(&guide), [(3, "a b `c` d".to_owned())]);
}
