//! JSON Schemas of documents, with the feature `schemars`.

use serde_json::Value;

#[cfg(feature = "schemars")]
use schemars::JsonSchema;

/// A placeholder for `schemars::JsonSchema`, so that the compiler can report the missing feature.
#[cfg(not(feature = "schemars"))]
#[diagnostic::on_unimplemented(
    message = "`json_schema` needs the feature `schemars` of metastore, which is off",
    label = "no JSON Schema without the feature",
    note = "enable it in Cargo.toml: `metastore = {{ version = \"…\", features = [\"schemars\"] }}`"
)]
pub trait JsonSchema {}

/// The JSON Schema of a document; what `#[collection(json_schema)]` writes into the descriptor.
#[must_use]
pub fn json_schema<T: JsonSchema>() -> Value {
    #[cfg(feature = "schemars")]
    return schemars::schema_for!(T).into();
    #[cfg(not(feature = "schemars"))]
    Value::Null
}
