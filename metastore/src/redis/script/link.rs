//! Links a script with the library functions that it uses.
//!
//! A library in `scripts/lib/` is a list of definitions, `local function name(…)` or `local name = …`, each
//! beginning at the start of a line. A script names the functions and constants that it uses, no more:
//! [`link()`] puts those that it reaches in front of it, in the order of the libraries.

/// The libraries. Each uses only what is defined above: in an earlier one, or in itself.
const LIBRARIES: [&str; 4] = [
    include_str!("../scripts/lib/common.lua"),
    include_str!("../scripts/lib/deadline.lua"),
    include_str!("../scripts/lib/entries.lua"),
    include_str!("../scripts/lib/queue.lua"),
];

/// The line of a wrapper that the body of a script replaces.
pub(super) const BODY: &str = "  -- the body\n";

/// The text of a script, with what it uses of the libraries in front.
pub(super) fn link(body: &str, wrapper: Option<&str>) -> String {
    let script = match wrapper {
        Some(wrapper) => wrapper.replacen(BODY, body, 1),
        None => body.to_owned(),
    };
    let definitions: Vec<Definition<'_>> =
        LIBRARIES.iter().flat_map(|library| definitions(library)).collect();
    let mut used = identifiers(&script);
    let mut linked: Vec<&str> = Vec::new();
    // From the end, since each definition uses only what is defined above it.
    for definition in definitions.iter().rev() {
        if used.contains(&definition.name) {
            used.extend(identifiers(definition.text));
            linked.push(definition.text);
        }
    }
    linked.reverse();
    linked.concat() + &script
}

/// One function or variable of a library.
struct Definition<'a> {
    name: &'a str,
    text: &'a str,
}

fn definitions(library: &str) -> Vec<Definition<'_>> {
    let mut starts: Vec<usize> = library.match_indices("\nlocal ").map(|(at, _)| at + 1).collect();
    if library.starts_with("local ") {
        starts.insert(0, 0);
    }
    let ends = starts.iter().skip(1).copied().chain([library.len()]);
    let definition = |(start, end): (usize, usize)| {
        let text = &library[start..end];
        let named = text["local ".len()..].trim_start_matches("function ");
        let length = named.find(|c| !is_part_of_name(c)).unwrap_or(named.len());
        Definition { name: &named[..length], text }
    };
    starts.iter().copied().zip(ends).map(definition).collect()
}

fn is_part_of_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// The names that a piece of Lua uses, but for those in its comments and strings and of its fields.
fn identifiers(lua: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let mut rest = lua;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '\'' | '"' => string_length(rest, first),
            '-' if rest.starts_with("--") => rest.find('\n').unwrap_or(rest.len()),
            _ if is_part_of_name(first) => {
                let length = rest.find(|c| !is_part_of_name(c)).unwrap_or(rest.len());
                let before = &lua[..lua.len() - rest.len()];
                if !before.ends_with('.') || before.ends_with("..") {
                    names.push(&rest[..length]);
                }
                length
            }
            _ => first.len_utf8(),
        };
        rest = &rest[length..];
    }
    names
}

/// The length of the string that a text begins with, with its quotes.
fn string_length(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        if c == quote && !escaped {
            return at + 1;
        }
        escaped = c == '\\' && !escaped;
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::redis::script::ALL;

    #[test]
    fn names_of_comments_strings_and_fields_do_not_count() {
        let lua = "-- a b\nlocal c = d.e .. f..g('h \\' i', \"j\") -- k\n";
        assert_eq!(identifiers(lua), ["local", "c", "d", "f", "g"]);
    }

    #[test]
    fn each_definition_has_one_name_and_uses_only_what_is_above_it() {
        let all: Vec<_> = LIBRARIES.iter().flat_map(|library| definitions(library)).collect();
        let names: HashSet<&str> = all.iter().map(|definition| definition.name).collect();
        assert_eq!(names.len(), all.len(), "two definitions share a name");
        let mut above = HashSet::new();
        for Definition { name, text } in all {
            above.insert(name);
            for used in identifiers(text) {
                assert!(!names.contains(used) || above.contains(used), "{name} uses {used}");
            }
        }
    }

    #[test]
    fn each_definition_is_used_by_a_script() {
        let texts: Vec<String> = ALL.iter().map(|script| script.linked().text.clone()).collect();
        for Definition { name, text } in LIBRARIES.iter().flat_map(|library| definitions(library)) {
            assert!(texts.iter().any(|linked| linked.contains(text)), "nothing uses {name}");
        }
    }

    #[test]
    fn a_wrapper_has_a_place_for_the_body() {
        for script in ALL {
            if let Some(wrapper) = script.wrapper {
                assert!(wrapper.contains(BODY), "{}", script.name);
                assert!(script.linked().text.contains(script.body), "{}", script.name);
            }
        }
    }
}
