//! Two shapes of one collection, as an older and a newer program know it, for each kind of change.

use metastore::Collection;
use serde_json::{Value, json};

/// The change of a newer program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Added,
    Removed,
    Renamed,
    Nested,
    Flattened,
    Indexed,
    Unique,
    TimeToLive,
    Schema,
}

impl Change {
    pub(super) const ALL: [Self; 9] = [
        Self::Added,
        Self::Removed,
        Self::Renamed,
        Self::Nested,
        Self::Flattened,
        Self::Indexed,
        Self::Unique,
        Self::TimeToLive,
        Self::Schema,
    ];

    /// Its name in the guide.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Added => "a field with a default added",
            Self::Removed => "a field removed",
            Self::Renamed => "a field renamed, the old name an `alias`",
            Self::Nested => "a field added in a nested struct",
            Self::Flattened => "a field added in a flattened struct",
            Self::Indexed => "`#[index]` added",
            Self::Unique => "`#[unique]` added",
            Self::TimeToLive => "a time to live added",
            Self::Schema => "the schema number raised, fields added",
        }
    }
}

/// An older and a newer definition with a document of each.
pub(super) trait Pair {
    type Older: Collection;
    type Newer: Collection;
    const CHANGE: Change;

    fn older() -> Value;
    fn newer() -> Value;
}

macro_rules! pair {
    (
        $name:ident $module:ident, $older:expr, $newer:expr;
        { $($old_field:tt)* } [$($old_option:tt)*] { $($old_rest:tt)* }
        { $($new_field:tt)* } [$($new_option:tt)*] { $($new_rest:tt)* }
    ) => {
        pub(super) struct $name;

        impl Pair for $name {
            type Older = $module::older::Doc;
            type Newer = $module::newer::Doc;
            const CHANGE: Change = Change::$name;

            fn older() -> Value {
                $older
            }

            fn newer() -> Value {
                $newer
            }
        }

        pub(super) mod $module {
            pair!(@shape older { $($old_field)* } [$($old_option)*] { $($old_rest)* });
            pair!(@shape newer { $($new_field)* } [$($new_option)*] { $($new_rest)* });
        }
    };
    (@shape $module:ident { $($field:tt)* } [$($option:tt)*] { $($rest:tt)* }) => {
        pub(in super::super) mod $module {
            use metastore::Collection;
            use serde::{Deserialize, Serialize};
            use validator::Validate;

            #[derive(Clone, Debug, Serialize, Deserialize, Validate, Collection)]
            #[collection(domain = "myapp", app = "pairs", name = "docs", object_type = texts)]
            $($option)*
            #[mutation(length -> usize)]
            #[transformation(digest -> String)]
            pub(in super::super::super) struct Doc {
                #[index]
                title: String,
                $($field)*
            }

            impl Doc {
                fn length(&self) -> usize {
                    self.title.len()
                }
            }

            $($rest)*
        }
    };
}

pair! {
    Added added, json!({"title": "first"}), json!({"title": "first", "phone": "1"});
    {} [] {}
    { #[serde(default)] phone: Option<String>, } [] {}
}

pair! {
    Removed removed, json!({"title": "first", "phone": "1"}), json!({"title": "first"});
    { #[serde(default, skip_serializing_if = "Option::is_none")] phone: Option<String>, } [] {}
    {} [] {}
}

pair! {
    Renamed renamed, json!({"title": "first", "name": "Ada"}), json!({"title": "first", "full_name": "Ada"});
    { name: String, } [] {}
    { #[serde(alias = "name")] full_name: String, } [] {}
}

pair! {
    Nested nested, json!({"title": "first", "address": {"city": "Bonn"}}),
    json!({"title": "first", "address": {"city": "Bonn", "zip": "53111"}});
    { address: Address, } [] {
        #[derive(Clone, Debug, Serialize, Deserialize)]
        pub(in super::super::super) struct Address {
            city: String,
        }
    }
    { address: Address, } [] {
        #[derive(Clone, Debug, Serialize, Deserialize)]
        pub(in super::super::super) struct Address {
            city: String,
            #[serde(default, skip_serializing_if = "Option::is_none")]
            zip: Option<String>,
        }
    }
}

pair! {
    Flattened flattened, json!({"title": "first", "city": "Bonn"}),
    json!({"title": "first", "city": "Bonn", "zip": "53111"});
    { #[serde(flatten)] address: Address, } [] {
        #[derive(Clone, Debug, Serialize, Deserialize)]
        pub(in super::super::super) struct Address {
            city: String,
        }
    }
    { #[serde(flatten)] address: Address, } [] {
        #[derive(Clone, Debug, Serialize, Deserialize)]
        pub(in super::super::super) struct Address {
            city: String,
            #[serde(default, skip_serializing_if = "Option::is_none")]
            zip: Option<String>,
        }
    }
}

pair! {
    Indexed indexed, json!({"title": "first", "phone": "1"}), json!({"title": "first", "phone": "1"});
    { phone: String, } [] {}
    { #[index] phone: String, } [] {}
}

pair! {
    Unique unique, json!({"title": "first", "phone": "1"}), json!({"title": "first", "phone": "1"});
    { phone: String, } [] {}
    { #[unique] phone: String, } [] {}
}

pair! {
    TimeToLive time_to_live, json!({"title": "first"}), json!({"title": "first"});
    {} [] {}
    {} [#[collection(ttl = "1h")]] {}
}

pair! {
    Schema schema, json!({"title": "first"}), json!({"title": "first", "words": 1});
    {} [] {}
    { words: u64, } [#[collection(schema = 2)] #[upgrade(1 -> 2, with = count)]] {
        fn count(doc: &mut serde_json::Map<String, serde_json::Value>) -> Result<(), String> {
            doc.insert("words".into(), 1.into());
            Ok(())
        }
    }
}
