//! What the name of a type says about its values in JSON. A macro sees only the name.

use syn::{GenericArgument, PathArguments, Type};

/// Types that serde writes in one piece and reads back.
const PLAIN: [&str; 17] = [
    "bool", "char", "f32", "f64", "i8", "i16", "i32", "i64", "i128", "isize", "u8", "u16", "u32",
    "u64", "u128", "usize", "String",
];

/// Types that contain another one and write it unchanged.
const AROUND_ONE: [&str; 4] = ["Option", "Box", "Arc", "Rc"];

const LISTS: [&str; 4] = ["Vec", "VecDeque", "LinkedList", "BTreeSet"];

/// Sets whose order differs between programs.
const SETS: [&str; 3] = ["HashSet", "FxHashSet", "AHashSet"];

const MAPS: [&str; 2] = ["HashMap", "BTreeMap"];

/// Whether every value that a field of this type writes reads back.
pub(crate) fn reads_back(ty: &Type) -> bool {
    match ty {
        Type::Group(group) => reads_back(&group.elem),
        Type::Paren(paren) => reads_back(&paren.elem),
        Type::Tuple(tuple) => !tuple.elems.is_empty() && tuple.elems.iter().all(reads_back),
        _ => match named(ty) {
            Some((name, arguments)) => match arguments.as_slice() {
                [] => PLAIN.iter().any(|plain| name == plain),
                [inner] => {
                    let holds = AROUND_ONE.iter().chain(&LISTS).chain(&SETS[..1]);
                    holds.into_iter().any(|known| name == known) && reads_back(inner)
                }
                [key, value] => {
                    MAPS.iter().any(|map| name == map) && is_key(key) && reads_back(value)
                }
                _ => false,
            },
            None => false,
        },
    }
}

/// A name in JSON is text, which serde also reads back as a number.
fn is_key(ty: &Type) -> bool {
    let floats = ["f32", "f64"];
    named(ty).is_some_and(|(name, arguments)| {
        arguments.is_empty()
            && PLAIN.iter().any(|plain| name == plain)
            && floats.iter().all(|float| name != float)
    })
}

/// How many lists or maps a type has around a set; `None` if there is no set.
pub(crate) fn set(ty: &Type) -> Option<u8> {
    match ty {
        Type::Group(group) => return set(&group.elem),
        Type::Paren(paren) => return set(&paren.elem),
        Type::Array(array) => return set(&array.elem)?.checked_add(1),
        _ => {}
    }
    let (name, arguments) = named(ty)?;
    if SETS.iter().any(|set| name == set) {
        return Some(0);
    }
    let inner = set(arguments.last()?)?;
    if AROUND_ONE.iter().any(|around| name == around) {
        Some(inner)
    } else if LISTS.iter().chain(&MAPS).any(|known| name == known) {
        inner.checked_add(1)
    } else {
        None
    }
}

/// The last part of a path and its type arguments.
fn named(ty: &Type) -> Option<(&syn::Ident, Vec<&Type>)> {
    let Type::Path(ty) = ty else { return None };
    let last = ty.path.segments.last()?;
    let arguments = match &last.arguments {
        PathArguments::None => Vec::new(),
        PathArguments::AngleBracketed(arguments) => {
            let mut types = Vec::new();
            for argument in &arguments.args {
                let GenericArgument::Type(ty) = argument else { return None };
                types.push(ty);
            }
            types
        }
        PathArguments::Parenthesized(_) => return None,
    };
    Some((&last.ident, arguments))
}

#[cfg(test)]
mod tests {
    use super::*;
    use syn::parse_str;

    #[test]
    fn only_types_that_are_known_to_read_back_are_trusted() {
        for ty in [
            "String",
            "std::string::String",
            "Option<Vec<u128>>",
            "HashMap<String, BTreeMap<u32, (f64, bool)>>",
            "std::collections::HashSet<i64>",
            "Box<[u8; 4]>",
        ] {
            let known = !ty.contains('[');
            assert_eq!(reads_back(&parse_str(ty).unwrap()), known, "{ty}");
        }
        for ty in ["Uuid", "Vec<Line>", "HashMap<f64, u8>", "()", "Value", "&'static str", "fn()"] {
            assert!(!reads_back(&parse_str(ty).unwrap()), "{ty}");
        }
    }

    #[test]
    fn sets_are_found_within_lists_and_maps() {
        for (ty, level) in [
            ("HashSet<String>", Some(0)),
            ("Option<Box<HashSet<Tag>>>", Some(0)),
            ("HashMap<String, Vec<std::collections::HashSet<u8>>>", Some(2)),
            ("[HashSet<u8>; 3]", Some(1)),
            ("BTreeSet<String>", None),
            ("Vec<String>", None),
            ("Other<HashSet<u8>>", None),
        ] {
            assert_eq!(set(&parse_str(ty).unwrap()), level, "{ty}");
        }
    }
}
