//! Links a script with the library functions that it uses.
//!
//! A library in `scripts/lib/` is a list of definitions, `local function name(…)` or `local name =
//! …`, each beginning at the start of a line. A script names the functions and constants that it
//! uses, no more: [`link()`] puts those that it reaches in front of it, in the order of the
//! libraries, and replaces constants by their values.

/// The libraries. Each uses only what is defined above: in an earlier one, or in itself.
const LIBRARIES: [&str; 16] = [
    include_str!("../scripts/lib/verdict.lua"),
    KEYS_LIBRARY,
    include_str!("../scripts/lib/number.lua"),
    include_str!("../scripts/lib/parts.lua"),
    include_str!("../scripts/lib/access.lua"),
    include_str!("../scripts/lib/header.lua"),
    include_str!("../scripts/lib/record.lua"),
    include_str!("../scripts/lib/commits.lua"),
    include_str!("../scripts/lib/retention.lua"),
    include_str!("../scripts/lib/deadline.lua"),
    include_str!("../scripts/lib/audit.lua"),
    include_str!("../scripts/lib/entries.lua"),
    include_str!("../scripts/lib/queue.lua"),
    include_str!("../scripts/lib/job.lua"),
    include_str!("../scripts/lib/request.lua"),
    include_str!("../scripts/lib/due.lua"),
];

/// The keys that scripts build.
pub(super) const KEYS_LIBRARY: &str = include_str!("../scripts/lib/keys.lua");

/// The line of a wrapper that the body of a script replaces.
pub(super) const BODY: &str = "  -- the body\n";

/// The text of a script, with what it uses of the libraries in front, but after a line with flags
/// (`#!lua …`).
pub(super) fn link(body: &str, wrapper: Option<&str>) -> String {
    if let Some((flags, body)) = body.split_once('\n').filter(|(line, _)| line.starts_with("#!")) {
        return format!("{flags}\n{}", link(body, wrapper));
    }
    let script = match wrapper {
        Some(wrapper) => wrapper.replacen(BODY, body, 1),
        None => body.to_owned(),
    };
    let definitions: Vec<Definition<'_>> =
        LIBRARIES.iter().flat_map(|library| definitions(library)).collect();
    let mut used = identifiers(&script);
    let mut linked = vec![script.as_str()];
    let mut constants = Vec::new();
    // From the end, since each definition uses only what is defined above it.
    for definition in definitions.iter().rev() {
        if !used.contains(&definition.name) {
            continue;
        }
        match definition.constant() {
            Some(value) => constants.push((definition.name, value)),
            None => linked.push(definition.text),
        }
        used.extend(identifiers(definition.text));
    }
    linked.reverse();
    inline(&linked.concat(), &constants)
}

/// Replaces constants by their values. A variable that functions use costs time in each call.
fn inline(lua: &str, constants: &[(&str, &str)]) -> String {
    let mut text = String::with_capacity(lua.len());
    let mut end = 0;
    for (at, name) in positions(lua) {
        let Some((_, value)) = constants.iter().find(|(constant, _)| *constant == name) else {
            continue;
        };
        text.push_str(&lua[end..at]);
        text.push_str(value);
        end = at + name.len();
    }
    text + &lua[end..]
}

/// One function or variable of a library.
pub(super) struct Definition<'a> {
    pub(super) name: &'a str,
    text: &'a str,
}

impl Definition<'_> {
    /// The value of a constant: a number or a string under a name in capitals.
    fn constant(&self) -> Option<&str> {
        let is_capital = |c: char| c.is_ascii_uppercase() || c == '_';
        let value = self.text.trim_end().split_once(" = ")?.1;
        let is_literal = value.starts_with(|c: char| c.is_ascii_digit() || "-'".contains(c));
        (self.name.chars().all(is_capital) && is_literal).then_some(value)
    }
}

pub(super) fn definitions(library: &str) -> Vec<Definition<'_>> {
    let mut starts: Vec<usize> = library.match_indices("\nlocal ").map(|(at, _)| at + 1).collect();
    if library.starts_with("local ") {
        starts.insert(0, 0);
    }
    let ends = starts.iter().skip(1).copied().chain([library.len()]);
    let definition = |(start, end): (usize, usize)| {
        let mut text = &library[start..end];
        // Without the comment of the next definition.
        while let Some((above, last)) = text.trim_end_matches('\n').rsplit_once('\n')
            && (last.is_empty() || last.starts_with("--"))
        {
            text = &text[..=above.len()];
        }
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
pub(super) fn identifiers(lua: &str) -> Vec<&str> {
    positions(lua).into_iter().map(|(_, name)| name).collect()
}

/// The same, each with its position.
fn positions(lua: &str) -> Vec<(usize, &str)> {
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
                    names.push((before.len(), &rest[..length]));
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
    fn only_the_library_of_keys_spells_keys() {
        let others = LIBRARIES.iter().filter(|library| **library != KEYS_LIBRARY).copied();
        let bodies = ALL.iter().flat_map(|script| [Some(script.body), script.wrapper]).flatten();
        let starts =
            ["'idx:", "'queue:", "'stream:", "'metastore:", "'mutation:", "'transformation:"];
        let ends = [":latest'", ":version:", ":trimmed'", ":expiry'", ":entries'", ":commits'"];
        for lua in others.chain(bodies) {
            for part in starts.into_iter().chain(ends) {
                assert!(!lua.contains(part), "{part} is in:\n{lua}");
            }
        }
    }

    #[test]
    fn each_definition_is_used() {
        let all: Vec<_> = LIBRARIES.iter().flat_map(|library| definitions(library)).collect();
        let bodies = ALL.iter().flat_map(|script| [Some(script.body), script.wrapper]).flatten();
        let mut used: HashSet<&str> = bodies.flat_map(identifiers).collect();
        for Definition { name, text } in all.into_iter().rev() {
            assert!(used.contains(name), "nothing uses {name}");
            used.extend(identifiers(text));
        }
    }

    #[test]
    fn constants_are_inlined() {
        let linked = link("return {CLOCK_SKEW, 'CLOCK_SKEW', x.CLOCK_SKEW} -- CLOCK_SKEW\n", None);
        assert_eq!(linked, "return {-8, 'CLOCK_SKEW', x.CLOCK_SKEW} -- CLOCK_SKEW\n");
    }

    #[test]
    fn a_wrapper_has_a_place_for_the_body() {
        for script in ALL {
            if let Some(wrapper) = script.wrapper {
                assert!(wrapper.contains(BODY), "{}", script.name);
                let count = |text: &str| text.lines().count();
                let linked = link(script.body, script.wrapper);
                assert!(
                    count(&linked) >= count(wrapper) + count(script.body) - 1,
                    "{}",
                    script.name
                );
            }
        }
    }
}
