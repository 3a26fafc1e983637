//! The collections of the histories: the same document, stored in three ways.

use metastore::{Collection, Condition};
use serde::{Deserialize, Serialize};
use validator::Validate;

pub use super::record::{Kind, Value};

/// What a history needs of a collection.
pub trait Document: Collection + Clone + Send + Sync + 'static {
    /// Which one it is.
    const KIND: Kind;

    /// A document with this content.
    fn of(value: Value) -> Self;

    /// Its content.
    fn value(&self) -> Value;

    /// Sets the token and increments the counter.
    fn add(&mut self, token: &str);

    /// The patch that sets the token, and optionally the name.
    fn set(token: &str, name: Option<Option<String>>) -> Self::Patch;

    /// The condition that the unique field has this value, where there is one.
    fn named(name: &str) -> Option<Condition<Self>>;
}

/// Versions only.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "tests", app = "histories", name = "plain", object_type = texts, audit = off)]
pub struct Plain {
    /// The call that wrote it.
    pub token: String,
    /// A counter.
    pub count: u64,
    /// Unused.
    pub name: Option<String>,
}

/// With an index and an audit trail.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "tests", app = "histories", name = "audited", object_type = texts, audit = on)]
pub struct Audited {
    /// The call that wrote it.
    #[index]
    pub token: String,
    /// A counter.
    #[index(range)]
    pub count: u64,
    /// Unused.
    pub name: Option<String>,
}

/// With a unique field.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "tests", app = "histories", name = "unique", object_type = texts, audit = on)]
pub struct Unique {
    /// The call that wrote it.
    pub token: String,
    /// A counter.
    pub count: u64,
    /// Unique among items.
    #[unique]
    pub name: Option<String>,
}

macro_rules! document {
    ($name:ident, $named:expr) => {
        impl Document for $name {
            const KIND: Kind = Kind::$name;

            fn of(Value { token, count, name }: Value) -> Self {
                Self { token, count, name }
            }

            fn value(&self) -> Value {
                Value { token: self.token.clone(), count: self.count, name: self.name.clone() }
            }

            fn add(&mut self, token: &str) {
                self.count += 1;
                self.token = token.to_owned();
            }

            fn set(token: &str, name: Option<Option<String>>) -> Self::Patch {
                let patch = Self::patch().token(token.to_owned());
                match name {
                    Some(name) => patch.name(name),
                    None => patch,
                }
            }

            fn named(name: &str) -> Option<Condition<Self>> {
                let named: fn(&str) -> Option<Condition<Self>> = $named;
                named(name)
            }
        }
    };
}

document!(Plain, |_| None);
document!(Audited, |_| None);
document!(Unique, |name| Some(Unique::NAME.eq(name.to_owned())));
