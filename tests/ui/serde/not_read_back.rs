// A field that is not always stored is not required when a document is read.

use metastore::Collection;
use serde::{Deserialize, Serialize};
use validator::Validate;

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "textsplitter", name = "texts", object_type = texts)]
struct Text {
    #[serde(skip_serializing)]
    a: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    b: Vec<u64>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "read")]
    c: Option<u64>,
}

fn read<'de, D: serde::Deserializer<'de>>(input: D) -> Result<Option<u64>, D::Error> {
    Option::deserialize(input)
}

fn main() {}
