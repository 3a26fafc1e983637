//! Names in keys, by the same rule as the runtime's `key::Name`.

use crate::suggest;

/// The rule, for messages.
pub(crate) const RULE: &str =
    "a name has 1 to 64 ASCII letters, digits, `-` or `_` and starts with a letter or digit";

/// The first segments of other kinds of keys; the runtime holds the same list.
const RESERVED: [&str; 8] =
    ["idx", "stream", "queue", "unique", "catalog", "lease", "lock", "metastore"];

const MAX_LEN: usize = 64;

/// A valid name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Name(String);

impl Name {
    /// The name, or what is wrong with it.
    pub(crate) fn new(name: &str) -> Result<Self, String> {
        let starts_well = name.starts_with(|c: char| c.is_ascii_alphanumeric());
        let inside = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if name.is_empty() {
            return Err(format!("the name is empty: {RULE}"));
        }
        if starts_well && name.len() <= MAX_LEN && name.chars().all(inside) {
            Ok(Self(name.to_owned()))
        } else {
            Err(format!("`{}` cannot stand in a key: {RULE}", name.escape_debug()))
        }
    }

    /// The name of a domain: the first segment of the collection's keys.
    pub(crate) fn domain(name: &str) -> Result<Self, String> {
        if RESERVED.contains(&name) {
            let reserved = suggest::list(&RESERVED);
            return Err(format!(
                "`{name}` cannot be a domain: {reserved} begin other keys; choose another name"
            ));
        }
        Self::new(name)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keep_to_the_rule() {
        let longest = "x".repeat(64);
        for good in ["a", "texts", "myapp-2", "A_b", "9lives", &longest] {
            assert!(Name::new(good).is_ok(), "{good}");
        }
        let too_long = "x".repeat(65);
        for bad in ["", ":", "a:b", "{a}", "a*", "-a", "_a", "ä", "a b", "a\n", &too_long] {
            assert!(Name::new(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_domain_is_never_the_beginning_of_another_kind_of_key() {
        for reserved in RESERVED {
            assert!(Name::domain(reserved).is_err(), "{reserved}");
            assert!(Name::new(reserved).is_ok(), "{reserved}");
        }
        assert!(Name::domain("idx2").is_ok());
    }
}
