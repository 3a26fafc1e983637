//! Fields of documents and their indexes.

use serde::{Deserialize, Serialize};

/// How a field is indexed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum IndexKind {
    /// `#[index]`: finds the items with exactly this value.
    Equality,
    /// `#[index(range)]`: finds the items between two values.
    Range,
    /// `#[unique]`: at most one item has the value.
    Unique,
}

/// One field of a document.
#[derive(Clone, Copy, Debug)]
pub struct FieldSchema {
    /// The name in Rust, without `r#`.
    pub rust_name: &'static str,
    /// The name in JSON, after serde's renames; `None` when serde flattens the field.
    pub json_name: Option<&'static str>,
    /// Other names in JSON by which it is read.
    pub aliases: &'static [&'static str],
    /// The index on the field, if it has one.
    pub index: Option<IndexKind>,
    /// How many lists or maps enclose a set in the field's value; `None` if it contains no set. The
    /// elements of a set have no order of their own, so they are sorted when written.
    pub set: Option<u8>,
}

/// A field without an index; what the derive writes for each field.
#[must_use]
pub const fn field(rust_name: &'static str, json_name: &'static str) -> FieldSchema {
    FieldSchema { rust_name, json_name: Some(json_name), aliases: &[], index: None, set: None }
}

/// A field that serde flattens into its parent.
#[must_use]
pub const fn flattened(rust_name: &'static str) -> FieldSchema {
    FieldSchema { rust_name, json_name: None, aliases: &[], index: None, set: None }
}

impl FieldSchema {
    /// Adds an index.
    #[must_use]
    pub const fn indexed(mut self, kind: IndexKind) -> Self {
        self.index = Some(kind);
        self
    }

    /// Adds further names by which it is read.
    #[must_use]
    pub const fn aliases(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
    }

    /// Marks a set inside this many lists or maps.
    #[must_use]
    pub const fn set(mut self, level: u8) -> Self {
        self.set = Some(level);
        self
    }
}
