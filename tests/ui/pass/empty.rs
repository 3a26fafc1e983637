// A collection may have no fields.

#![deny(warnings)]

use metastore::Collection;
use serde::{Deserialize, Serialize};
use validator::Validate;

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "textsplitter", name = "markers", object_type = state)]
struct Marker {}

fn main() {
    assert!(Marker::SCHEMA.fields.is_empty());
    let _ = Marker::patch();
}
