//! Names of domains, apps, collections, mutations and transformations.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The first segments of other kinds of keys; a domain must not be one of them.
///
/// The derive crate holds the same list, because it checks literals at compile time.
const RESERVED: [&str; 8] =
    ["idx", "stream", "queue", "unique", "catalog", "lease", "lock", "metastore"];

/// The longest name, in bytes.
const MAX_LEN: usize = 64;

/// A name in a key: 1 to 64 ASCII letters, digits, `-` or `_`, starting with a letter
/// or digit.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name(Arc<str>);

impl Name {
    /// Checks a name.
    ///
    /// # Errors
    ///
    /// [`InvalidName`] with the rule that the name violates.
    pub fn new(name: &str) -> Result<Self, InvalidName> {
        match broken_rule(name) {
            Some(rule) => Err(InvalidName { name: name.to_owned(), rule }),
            None => Ok(Self(name.into())),
        }
    }

    /// Checks the name of a domain, which must not be the first segment of another kind of key.
    ///
    /// # Errors
    ///
    /// [`InvalidName`] with the rule that the name violates.
    pub fn domain(name: &str) -> Result<Self, InvalidName> {
        if RESERVED.contains(&name) {
            let rule = "a domain must not be `idx`, `stream`, `queue`, `unique`, `catalog`, \
                        `lease`, `lock` or `metastore`, which other keys begin with";
            return Err(InvalidName { name: name.to_owned(), rule });
        }
        Self::new(name)
    }

    /// A name that is already validated: by the derive, or as a part of an address.
    pub(crate) fn literal(name: &str) -> Self {
        Self(name.into())
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn broken_rule(name: &str) -> Option<&'static str> {
    let bytes = name.as_bytes();
    match bytes.first() {
        None => Some("it must not be empty"),
        Some(_) if bytes.len() > MAX_LEN => Some("it must have at most 64 bytes"),
        Some(first) if !first.is_ascii_alphanumeric() => {
            Some("it must start with an ASCII letter or digit")
        }
        Some(_) if !bytes.iter().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(b)) => {
            Some("it may hold only ASCII letters, digits, `-` and `_`")
        }
        Some(_) => None,
    }
}

impl AsRef<str> for Name {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Name {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::new(&text).map_err(serde::de::Error::custom)
    }
}

/// Text that is not a valid name, with the rule that it violates.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name:?} is not a valid name: {rule}")]
pub struct InvalidName {
    pub(super) name: String,
    pub(super) rule: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keep_to_the_rule() {
        for good in ["a", "texts", "myapp-2", "A_b", "9lives"] {
            assert!(Name::new(good).is_ok(), "{good}");
        }
        let long = "x".repeat(65);
        for bad in ["", ":", "a:b", "{a}", "a*", "-a", "_a", "ä", "a b", "a\n", &long] {
            assert!(Name::new(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_domain_is_never_the_beginning_of_another_kind_of_key() {
        assert!(Name::domain("idx").is_err());
        assert!(Name::new("idx").is_ok());
    }
}
