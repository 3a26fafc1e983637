//! Segments: the last part of the key of an index, which names the index within its collection.

use std::fmt;

use super::{Name, encoding};

/// One index of a collection: the part of its key after the address of the collection.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Segment {
    /// `by:<field>`: the values of an indexed field, one entry an item.
    By(String),
    /// `each:<field>`: the elements of an indexed list, an entry for each.
    Each(String),
    /// `unique:<field>`: the values of a unique field, one entry an item.
    Unique(String),
    /// `held:<field>`: values of a unique field that are reserved for items written by a program
    /// that does not know the field.
    Held(String),
    /// `owner`: the items of each user.
    Owner,
    /// `mutation:<name>`: the items that have a stored result of a mutation, by creation time.
    Mutation(String),
    /// `transformation:<name>`: the items that have a result of a transformation, by creation time.
    Transformation(String),
}

impl Segment {
    /// Whether the index is ordered by value rather than by creation.
    pub(crate) fn is_by_value(&self) -> bool {
        !matches!(self, Self::Mutation(_) | Self::Transformation(_))
    }

    /// Parses the end of a key; `None` if it is not exactly what [`Display`](std::fmt::Display)
    /// writes for a segment.
    pub(super) fn parse(kind: &str, field: Option<&str>) -> Option<Self> {
        Some(match (kind, field) {
            ("by", Some(field)) => Self::By(decode(field)?),
            ("each", Some(field)) => Self::Each(decode(field)?),
            ("unique", Some(field)) => Self::Unique(decode(field)?),
            ("held", Some(field)) => Self::Held(decode(field)?),
            ("owner", None) => Self::Owner,
            ("mutation", Some(name)) => Self::Mutation(Name::new(name).ok()?.to_string()),
            ("transformation", Some(name)) => {
                Self::Transformation(Name::new(name).ok()?.to_string())
            }
            _ => return None,
        })
    }
}

impl fmt::Display for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::By(field) => write!(f, "by:{}", encode(field)),
            Self::Each(field) => write!(f, "each:{}", encode(field)),
            Self::Unique(field) => write!(f, "unique:{}", encode(field)),
            Self::Held(field) => write!(f, "held:{}", encode(field)),
            Self::Owner => f.write_str("owner"),
            Self::Mutation(name) => write!(f, "mutation:{name}"),
            Self::Transformation(name) => write!(f, "transformation:{name}"),
        }
    }
}

/// A field's name in JSON can be any text, so it is encoded in keys.
fn encode(field: &str) -> String {
    encoding::encode(field, b"")
}

fn decode(text: &str) -> Option<String> {
    encoding::decode(text, b"")
}
