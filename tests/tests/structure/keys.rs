//! Keys are spelled only in the modules for keys: `metastore/src/key/`, and
//! `lib/keys.lua` for scripts.

use crate::literals::{of_lua, of_rust, test_files};
use crate::report::require_none;
use crate::workspace::files;

const RUST: &str = "metastore/src/key/";
const LUA: &str = "metastore/src/redis/scripts/lib/keys.lua";

/// Parts of keys that are recognised anywhere in a literal.
const PARTS: [&str; 22] = [
    "idx:",
    "stream:audit",
    "queue:",
    "catalog:",
    "metastore:scratch",
    ":latest",
    ":version:",
    ":mutation:",
    ":transformation:",
    ":trimmed",
    ":expiry",
    ":entries",
    ":commits",
    ":high",
    ":waiting",
    ":low",
    ":delayed",
    ":leased",
    ":dead",
    ":control",
    ":wake",
    ":held:",
];

/// Parts of keys that are recognised at the beginning of a literal or of a pattern in it.
const SEGMENTS: [&str; 6] = ["by:", "each:", "unique:", "held:", "mutation:", "transformation:"];

#[test]
fn keys_are_spelled_only_in_the_modules_for_keys() {
    let mut violations = Vec::new();
    for package in ["metastore", "metastore-derive", "metastore-worker"] {
        let files = files(&format!("{package}/src"), &["rs", "lua"]);
        let tests = test_files(&files);
        for file in &files {
            if file.path.starts_with(RUST) || file.path == LUA || tests.contains(&file.path) {
                continue;
            }
            let is_lua = file.path.ends_with(".lua");
            let literals = if is_lua { of_lua(file) } else { of_rust(file) };
            for (line, text) in literals {
                if let Some(part) = part_of_key(&text) {
                    violations.push(format!("{}:{line}: `{part}` in {text:?}", file.path));
                }
            }
        }
    }
    require_none(
        &format!("a key must be spelled only in {RUST} and {LUA}"),
        &violations,
        "Add a function that builds or recognises the key to these modules, and call it.",
    );
}

/// The part of a key that a literal spells, if it spells one.
fn part_of_key(text: &str) -> Option<&'static str> {
    // Prose has a space behind its colon.
    let is_key = |rest: &str| !rest.starts_with(' ');
    let start = text.strip_prefix('^').unwrap_or(text);
    let anywhere = PARTS.iter().find(|part| text.split(**part).skip(1).any(is_key));
    let at_start =
        || SEGMENTS.iter().find(|segment| start.strip_prefix(**segment).is_some_and(is_key));
    anywhere.or_else(at_start).copied()
}

#[test]
fn keys_are_told_from_prose() {
    assert_eq!(part_of_key("{prefix}:latest"), Some(":latest"));
    assert_eq!(part_of_key("^unique:(.*)$"), Some("unique:"));
    assert_eq!(part_of_key("the catalog: it is empty"), None);
    assert_eq!(part_of_key("ordered by: time"), None);
}
