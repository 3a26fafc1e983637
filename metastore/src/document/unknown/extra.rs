//! Search for the unknown fields of a stored text.

use std::borrow::Cow;
use std::collections::HashMap;

use serde::de::DeserializeOwned;

use crate::json::tree::{elements, members, same};

/// How many groups of fields are checked one by one; if there are more, they differ only by the
/// keys of a map.
const MAX_GROUPS: usize = 100;

/// How many bytes are read to check groups one by one. Groups that are not checked count as known.
const MAX_BYTES: usize = 64 * 1024 * 1024;

/// Two probe values: no known field reads both of them as its previous value.
const PROBES: [&str; 2] = [r#"{"":[]}"#, "-0.5"];

/// An unknown part of a stored text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Extra<'a> {
    /// Where the object is, or the number.
    pub(super) path: Vec<Step<'a>>,
    pub(super) kind: ExtraKind<'a>,
    /// Its JSON, byte for byte.
    pub(super) value: &'a str,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ExtraKind<'a> {
    /// A member that the type does not know, by its name.
    Member(Cow<'a, str>),
    /// A whole number of more than 64 bits that the type has read as a float.
    Number,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Step<'a> {
    Name(Cow<'a, str>),
    At(usize),
}

impl Extra<'_> {
    /// The path as in errors, such as `lines[2].note`.
    pub(crate) fn shown(&self) -> String {
        let mut path = String::new();
        for step in &self.path {
            match step {
                Step::Name(name) if path.is_empty() => path.push_str(name),
                Step::Name(name) => path.extend([".", name]),
                Step::At(position) => path.push_str(&format!("[{position}]")),
            }
        }
        if let Some(name) = self.name() {
            if !path.is_empty() {
                path.push('.');
            }
            path.push_str(name);
        }
        path
    }

    /// The name of a member; `None` for a number.
    pub(crate) fn name(&self) -> Option<&str> {
        match &self.kind {
            ExtraKind::Member(name) => Some(name),
            ExtraKind::Number => None,
        }
    }

    /// The same for the same field of all elements of a list.
    fn group(&self) -> (Vec<Option<&str>>, Option<&str>) {
        let steps = self.path.iter().map(|step| match step {
            Step::Name(name) => Some(&**name),
            Step::At(_) => None,
        });
        (steps.collect(), self.name())
    }
}

/// What `stored` holds that the type `T` does not know, in its order. `own` is what the type writes
/// of what it has read there, and `write` how it does.
///
/// Members that the type wrote are in `own` and therefore known, regardless of serde's attributes.
/// A member that is not in `own` may still be known: by an alias, or as a field that is not always
/// written. So its value is replaced by another one: if the type then writes the same document, the
/// member is unknown.
pub(crate) fn extras<'a, T: DeserializeOwned>(
    stored: &'a str,
    own: &str,
    is_own: impl Fn(&str) -> bool,
    write: impl Fn(&T) -> Option<Vec<u8>>,
) -> Vec<Extra<'a>> {
    let mut found = Vec::new();
    find(stored, own, &mut Vec::new(), &mut found);
    found.retain(|extra| !(extra.path.is_empty() && extra.name().is_some_and(&is_own)));
    let members: Vec<&Extra<'_>> = found.iter().filter(|extra| extra.name().is_some()).collect();
    if members.is_empty() {
        return found;
    }
    let changes_nothing = |probed: &[&Extra<'_>]| {
        PROBES.iter().all(|probe| {
            let mut text = String::with_capacity(stored.len());
            replace(stored, probed, 0, probe, &mut text);
            let written = serde_json::from_str::<T>(&text).ok().and_then(|read| write(&read));
            written.is_some_and(|w| std::str::from_utf8(&w).is_ok_and(|w| same(w, own)))
        })
    };
    if changes_nothing(&members) {
        return found;
    }
    let mut numbers = HashMap::new();
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let mut unknown: Vec<bool> = found.iter().map(|extra| extra.name().is_none()).collect();
    for (position, extra) in found.iter().enumerate().filter(|(_, extra)| extra.name().is_some()) {
        let next = groups.len().min(MAX_GROUPS);
        let number = *numbers.entry(extra.group()).or_insert(next);
        if number == groups.len() {
            groups.push(Vec::new());
        }
        groups[number].push(position);
    }
    for group in groups.into_iter().take(MAX_BYTES / (stored.len() + 1) / PROBES.len()) {
        let probed: Vec<_> = group.iter().map(|&position| &found[position]).collect();
        if changes_nothing(&probed) {
            group.into_iter().for_each(|position| unknown[position] = true);
        }
    }
    found.into_iter().zip(unknown).filter_map(|(extra, unknown)| unknown.then_some(extra)).collect()
}

/// Finds the members of `stored`, on every level, that `own` does not have.
fn find<'a>(stored: &'a str, own: &str, path: &mut Vec<Step<'a>>, found: &mut Vec<Extra<'a>>) {
    if stored == own {
        return;
    }
    match (stored.as_bytes().first(), own.as_bytes().first()) {
        (Some(b'{'), Some(b'{')) => {
            let (Ok(stored), Ok(own)) = (members(stored), members(own)) else { return };
            let own: HashMap<_, _> = own.into_iter().collect();
            let last: HashMap<_, _> =
                stored.iter().enumerate().map(|(at, (name, _))| (name.clone(), at)).collect();
            for (at, (name, value)) in stored.into_iter().enumerate() {
                match own.get(&name) {
                    Some(own) => {
                        path.push(Step::Name(name));
                        find(value, own, path, found);
                        path.pop();
                    }
                    None if last.get(&name) == Some(&at) => {
                        found.push(Extra {
                            path: path.clone(),
                            kind: ExtraKind::Member(name),
                            value,
                        });
                    }
                    None => {}
                }
            }
        }
        (Some(b'['), Some(b'[')) => {
            let (Ok(stored), Ok(own)) = (elements(stored), elements(own)) else { return };
            // A set may be written in another order than it was stored in.
            if stored.len() != own.len() {
                return;
            }
            for (at, (stored, own)) in stored.into_iter().zip(own).enumerate() {
                if covers(stored, own) {
                    path.push(Step::At(at));
                    find(stored, own, path, found);
                    path.pop();
                }
            }
        }
        _ if is_shortened(stored, own) => {
            found.push(Extra { path: path.clone(), kind: ExtraKind::Number, value: stored });
        }
        _ => {}
    }
}

/// Whether `own` is the float of an integer that is too large for its type.
fn is_shortened(stored: &str, own: &str) -> bool {
    let digits = stored.strip_prefix('-').unwrap_or(stored);
    let is_large = digits.len() > 18
        && digits.bytes().all(|digit| digit.is_ascii_digit())
        && stored.parse::<i64>().is_err()
        && stored.parse::<u64>().is_err();
    is_large && own.contains(['.', 'e']) && stored.parse::<f64>().ok() == own.parse::<f64>().ok()
}

/// Whether `stored` may be what `own` was read from: it has the same values where it has any.
fn covers(stored: &str, own: &str) -> bool {
    if stored == own {
        return true;
    }
    match (stored.as_bytes().first(), own.as_bytes().first()) {
        (Some(b'{'), Some(b'{')) => {
            let (Ok(stored), Ok(own)) = (members(stored), members(own)) else { return false };
            let stored: HashMap<_, _> = stored.into_iter().collect();
            own.iter().all(|(name, own)| stored.get(name).is_none_or(|stored| covers(stored, own)))
        }
        (Some(b'['), Some(b'[')) => {
            let (Ok(stored), Ok(own)) = (elements(stored), elements(own)) else { return false };
            stored.len() == own.len() && stored.iter().zip(own).all(|(s, own)| covers(s, own))
        }
        _ => {
            let number = |text: &str| text.parse::<f64>().ok();
            same(stored, own) || (number(own).is_some() && number(stored) == number(own))
        }
    }
}

/// Writes a text with another value for each of these members.
fn replace(json: &str, extras: &[&Extra<'_>], depth: usize, value: &str, out: &mut String) {
    if extras.is_empty() {
        out.push_str(json);
        return;
    }
    let level = Level::of(extras, depth);
    if json.starts_with('{') {
        let members = members(json).unwrap_or_default();
        out.push('{');
        for (at, (name, old)) in members.into_iter().enumerate() {
            push_name(out, at, &name);
            if level.own.iter().any(|extra| extra.name() == Some(&*name)) {
                out.push_str(value);
            } else {
                replace(old, level.member(&name), depth + 1, value, out);
            }
        }
        out.push('}');
    } else {
        out.push('[');
        for (at, old) in elements(json).unwrap_or_default().into_iter().enumerate() {
            if at > 0 {
                out.push(',');
            }
            replace(old, level.element(at), depth + 1, value, out);
        }
        out.push(']');
    }
}

/// Writes the name of a member, with a comma before it unless it is the first.
pub(crate) fn push_name(out: &mut String, at: usize, name: &str) {
    if at > 0 {
        out.push(',');
    }
    // A string always serialises.
    out.push_str(&serde_json::to_string(name).unwrap_or_default());
    out.push(':');
}

/// The unknown parts of one object or list.
pub(super) struct Level<'e, 'a> {
    /// Members of the object itself.
    pub(super) own: Vec<&'e Extra<'a>>,
    members: HashMap<&'e str, Vec<&'e Extra<'a>>>,
    elements: HashMap<usize, Vec<&'e Extra<'a>>>,
}

impl<'e, 'a> Level<'e, 'a> {
    pub(super) fn of(extras: &[&'e Extra<'a>], depth: usize) -> Self {
        let (members, elements) = (HashMap::new(), HashMap::new());
        let mut level = Self { own: Vec::new(), members, elements };
        for extra in extras {
            match extra.path.get(depth) {
                None => level.own.push(extra),
                Some(Step::Name(name)) => level.members.entry(name).or_default().push(extra),
                Some(Step::At(at)) => level.elements.entry(*at).or_default().push(extra),
            }
        }
        level
    }

    /// What is within a member.
    pub(super) fn member(&self, name: &str) -> &[&'e Extra<'a>] {
        self.members.get(name).map(Vec::as_slice).unwrap_or_default()
    }

    /// What is within an element.
    pub(super) fn element(&self, at: usize) -> &[&'e Extra<'a>] {
        self.elements.get(&at).map(Vec::as_slice).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::{Deserialize, Serialize};
    use std::collections::BTreeMap;

    #[derive(Serialize, Deserialize)]
    #[serde(tag = "type")]
    #[allow(dead_code, reason = "what is read and not written is the point")]
    struct Known {
        #[serde(alias = "title")]
        name: String,
        #[serde(skip_serializing, default)]
        secret: String,
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        map: BTreeMap<String, Line>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        lines: Vec<Line>,
        #[serde(flatten)]
        flat: Flat,
    }

    #[derive(Serialize, Deserialize)]
    struct Line {
        #[serde(rename(serialize = "nr"), alias = "nr")]
        n: f64,
    }

    #[derive(Serialize, Deserialize)]
    struct Flat {
        #[serde(skip_serializing_if = "Option::is_none", alias = "postcode")]
        zip: Option<String>,
        #[serde(skip_deserializing)]
        computed: u8,
    }

    fn unknown(stored: &str) -> Vec<String> {
        let read: Known = serde_json::from_str(stored).unwrap();
        let own = serde_json::to_string(&read).unwrap();
        let write = |known: &Known| serde_json::to_vec(known).ok();
        let found = extras::<Known>(stored, &own, |_| false, write);
        found.iter().map(Extra::shown).collect()
    }

    #[test]
    fn what_a_document_itself_wrote_is_never_unknown() {
        for stored in [
            r#"{"type":"Known","name":"a","computed":7}"#,
            r#"{"title":"a","postcode":"1","secret":"s"}"#,
            r#"{"name":"a","zip":null,"lines":[],"map":{}}"#,
            r#"{"name":"a","lines":[{"n":1},{"nr":2.5}],"map":{"x":{"n":1}}}"#,
        ] {
            assert_eq!(unknown(stored), [""; 0], "{stored}");
        }
    }

    #[test]
    fn what_is_unknown_is_found_on_every_level_next_to_renamed_fields() {
        let stored = r#"{"title":"a","postcode":"1","secret":"s","new":[1],"zip2":null,
            "lines":[{"n":1},{"n":2,"note":"x"}],"map":{"a":{"nr":1.0,"deep":{}}}}"#;
        assert_eq!(unknown(stored), ["new", "zip2", "lines[1].note", "map.a.deep"]);
        assert_eq!(unknown(r#"{"name":"a","new":1,"new":2}"#), ["new"]);
    }

    #[test]
    fn elements_that_stand_elsewhere_are_not_taken_for_each_other() {
        let mut found = Vec::new();
        let (stored, own) = (r#"[{"a":1,"new":1},{"a":2}]"#, r#"[{"a":2},{"a":1}]"#);
        find(stored, own, &mut Vec::new(), &mut found);
        assert_eq!(found, []);
        find(stored, r#"[{"a":1.0},{"a":2.0}]"#, &mut Vec::new(), &mut found);
        assert_eq!(found.len(), 1);
    }
}
