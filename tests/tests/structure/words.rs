//! Sources and documents use the terms of the field, and no words of their own.

use crate::report::require_none;
use crate::workspace::files;

/// Figures of speech and words that are unusual in the field, and what to write.
const WORDS: [(&[&str], &str); 7] = [
    (&["told of", "tells of", "tell of"], "say that it is recorded or reported"),
    (&["beside"], "write `next to`, `with` or `concurrently with`"),
    (&["by hand", "by_hand"], "write `hand-written` or `manually`"),
    (&["mend", "mends", "mended", "mending"], "write `fix`, `repair` or `resolve`"),
    (&["whoever"], "name the caller, the user or the program"),
    (&["kin"], "write `related`"),
    (&["to the letter"], "write `exactly` or `byte for byte`"),
];

/// Where a word is meant in its usual sense, and why.
const EXCEPTIONS: [(&str, &str); 2] = [
    ("CHANGELOG.md", "names an item that was renamed"),
    ("tests/tests/structure/words.rs", "lists the words to look for"),
];

#[test]
fn the_terms_of_the_field_are_used() {
    let mut violations = Vec::new();
    let extensions = ["rs", "lua", "md", "toml", "sh", "yml", "stderr", "snap", "html"];
    for file in files(".", &extensions) {
        if EXCEPTIONS.iter().any(|(path, _)| *path == file.path) {
            continue;
        }
        for (number, line) in file.text.lines().enumerate() {
            for (word, instead) in found(line) {
                violations.push(format!("{}:{}: `{word}`: {instead}", file.path, number + 1));
            }
        }
    }
    require_none(
        "sources and documents must use literal words",
        &violations,
        "Rewrite the sentence. If the word is meant in its usual sense, list the file in \
         `EXCEPTIONS` with the reason.",
    );
}

/// The listed words in a line, with what to write.
fn found(line: &str) -> Vec<(&'static str, &'static str)> {
    let line = line.to_lowercase();
    let mut found = Vec::new();
    for (words, instead) in WORDS {
        for word in words {
            let is_alone = |(at, _): (usize, &str)| {
                let before = line[..at].chars().next_back();
                let after = line[at + word.len()..].chars().next();
                !before.is_some_and(char::is_alphabetic) && !after.is_some_and(char::is_alphabetic)
            };
            if line.match_indices(word).any(is_alone) {
                found.push((*word, instead));
            }
        }
    }
    found
}

#[test]
fn words_are_found_on_their_own_only() {
    let words = |line| found(line).into_iter().map(|(word, _)| word).collect::<Vec<_>>();
    assert_eq!(words("How to mend it; BESIDE this"), ["beside", "mend"]);
    assert_eq!(words("We recommend to make it with skin and well"), [""; 0]);
}
