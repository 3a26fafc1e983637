//! The descriptor of a collection in the catalog.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::document::Document;
use crate::key::{Address, Name};
use crate::schema::{
    CollectionSchema, Fingerprint, IndexKind, ObjectType, TransformationSchema, TtlOnUpdate,
};
use crate::time::millis;

/// The definition of a collection, as the program that registered it has it.
///
/// The schema number and the fingerprint come first in its JSON, so that a script can compare them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Descriptor {
    /// The schema number of the document.
    pub schema: u32,
    /// A hash of the document's definition.
    pub fingerprint: Fingerprint,
    /// The address of the collection: with the domain and app of the store, if it overrides them.
    pub address: Address,
    /// The kind of objects.
    pub object_type: ObjectType,
    /// The time to live of an item, in milliseconds; `None` means that items do not expire.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl_ms: Option<u64>,
    /// What an update does to an item's deadline, if it has one.
    pub ttl_on_update: TtlOnUpdate,
    /// How many versions of an item are kept; `None` means all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep: Option<u32>,
    /// How long a superseded version is kept, in milliseconds; `None` means without limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep_for_ms: Option<u64>,
    /// The document's fields, in their order; without flattened and skipped ones.
    pub fields: Vec<FieldDescriptor>,
    /// The mutations, in their order.
    pub mutations: Vec<Name>,
    /// The transformations, in their order.
    pub transformations: Vec<TransformationDescriptor>,
    /// The JSON Schema of the document, if the collection has `#[collection(json_schema)]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub json_schema: Option<Value>,
}

/// One field of a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FieldDescriptor {
    /// The name in the JSON.
    pub name: String,
    /// The index on it, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<IndexKind>,
}

/// One transformation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TransformationDescriptor {
    /// The name, as in keys.
    pub name: Name,
    /// How long one run may take, in milliseconds; `None` if the worker decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
    /// How often a failed run is retried; `None` if the worker decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retries: Option<u32>,
    /// The delay before the first retry, in milliseconds; `None` if the worker decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_delay_ms: Option<u64>,
    /// The time to live of a result, in milliseconds; `None` means as long as its item exists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result_ttl_ms: Option<u64>,
    /// Whether it runs in the caller's process instead of a worker.
    #[serde(default, skip_serializing_if = "is_false")]
    pub inline: bool,
    /// The transformation whose completion requests this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Name>,
    /// Whether the creation of an item requests it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub on_create: bool,
    /// Whether each further version of an item requests it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub on_update: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_false(flag: &bool) -> bool {
    !flag
}

impl Descriptor {
    pub(crate) fn of<T: Document>(address: &Address) -> Self {
        let schema: &CollectionSchema = T::SCHEMA;
        let ms = |duration: Option<Duration>| duration.map(millis);
        let field = |field: &crate::schema::FieldSchema| {
            let name = field.json_name?.to_owned();
            Some(FieldDescriptor { name, index: field.index })
        };
        let transformation = |schema: &TransformationSchema| TransformationDescriptor {
            name: Name::literal(schema.name),
            timeout_ms: ms(schema.timeout),
            retries: schema.retries,
            retry_delay_ms: ms(schema.retry_delay),
            result_ttl_ms: ms(schema.result_ttl),
            inline: schema.inline,
            after: schema.after.map(Name::literal),
            on_create: schema.on_create,
            on_update: schema.on_update,
        };
        Self {
            schema: schema.version,
            fingerprint: schema.fingerprint,
            address: address.clone(),
            object_type: schema.object_type,
            ttl_ms: ms(schema.ttl),
            ttl_on_update: schema.ttl_on_update,
            keep: schema.keep,
            keep_for_ms: ms(schema.keep_for),
            fields: schema.fields.iter().filter_map(field).collect(),
            mutations: schema.mutations.iter().map(|name| Name::literal(name)).collect(),
            transformations: schema.transformations.iter().map(transformation).collect(),
            json_schema: T::JSON_SCHEMA.map(|write| write()),
        }
    }
}
