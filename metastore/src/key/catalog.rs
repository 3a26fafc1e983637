//! The keys of the catalog. They belong to no single collection, so they are no
//! [`Key`](super::Key).

use std::fmt;

use super::Name;

/// A key of the catalog: `catalog`, `catalog:domain`, `catalog:domain:app` or
/// `catalog:metastore:cursor_key`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CatalogKey {
    /// The domains: a set of names.
    Domains,
    /// The apps of a domain: a set of names.
    Apps(Name),
    /// The collections of an app: a hash of descriptors by name.
    Collections(Name, Name),
    /// The secret that authenticates cursors: a string. `metastore` is not allowed as a domain.
    CursorKey,
}

impl CatalogKey {
    /// Parses a key; `None` if it is not a key of the catalog.
    #[must_use]
    pub fn parse(key: &str) -> Option<Self> {
        let segments: Vec<&str> = key.split(':').collect();
        let domain = |name| Name::domain(name).ok();
        match segments[..] {
            ["catalog"] => Some(Self::Domains),
            ["catalog", "metastore", "cursor_key"] => Some(Self::CursorKey),
            ["catalog", d] => Some(Self::Apps(domain(d)?)),
            ["catalog", d, a] => Some(Self::Collections(domain(d)?, Name::new(a).ok()?)),
            _ => None,
        }
    }
}

impl fmt::Display for CatalogKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Domains => f.write_str("catalog"),
            Self::Apps(domain) => write!(f, "catalog:{domain}"),
            Self::Collections(domain, app) => write!(f, "catalog:{domain}:{app}"),
            Self::CursorKey => f.write_str("catalog:metastore:cursor_key"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::Key;
    use proptest::prelude::*;

    fn name() -> impl Strategy<Value = Name> {
        "[A-Za-z0-9][A-Za-z0-9_-]{0,20}".prop_map(|s| Name::new(&s).expect("matches the rule"))
    }

    fn key() -> impl Strategy<Value = CatalogKey> {
        let domain = || name().prop_filter("reserved", |n| Name::domain(n.as_str()).is_ok());
        prop_oneof![
            Just(CatalogKey::Domains),
            Just(CatalogKey::CursorKey),
            domain().prop_map(CatalogKey::Apps),
            (domain(), name()).prop_map(|(d, a)| CatalogKey::Collections(d, a)),
        ]
    }

    proptest! {
        #[test]
        fn parsing_is_the_inverse_of_building(key in key()) {
            let text = key.to_string();
            prop_assert_eq!(Key::parse(&text), None);
            prop_assert_eq!(CatalogKey::parse(&text), Some(key));
        }

        #[test]
        fn what_parses_is_spelt_as_it_would_be_built(text in "(catalog)?[a-z:0-9{}* ]{0,20}") {
            if let Some(key) = CatalogKey::parse(&text) {
                prop_assert_eq!(key.to_string(), text);
            }
        }
    }

    #[test]
    fn foreign_keys_do_not_parse() {
        for foreign in ["", "catalog:", "catalog:idx", "catalog:a:", "catalog:a:b:c", "a:b"] {
            assert_eq!(CatalogKey::parse(foreign), None, "{foreign}");
        }
    }
}
