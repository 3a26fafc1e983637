//! What a collection has, for whoever calls it by name.

use serde::Serialize;

use crate::key::Address;
use crate::schema::{CollectionSchema, IndexKind};

/// A collection and the names in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CollectionInfo {
    /// The name.
    pub name: &'static str,
    /// Where it lives: `domain:app:collection`.
    pub address: String,
    /// The fields of its documents, by their names in JSON.
    pub fields: Vec<&'static str>,
    /// The fields with `#[index]`.
    pub indexed: Vec<&'static str>,
    /// The fields with `#[index(range)]`.
    pub ranged: Vec<&'static str>,
    /// The fields with `#[unique]`.
    pub unique: Vec<&'static str>,
    /// The mutations.
    pub mutations: Vec<&'static str>,
    /// The transformations.
    pub transformations: Vec<&'static str>,
}

impl CollectionInfo {
    pub(super) fn new(address: &Address, schema: &CollectionSchema) -> Self {
        let with = |kind: IndexKind| {
            let fields = schema.fields.iter().filter(|field| field.index == Some(kind));
            fields.filter_map(|field| field.json_name).collect()
        };
        Self {
            name: schema.name,
            address: address.as_str().to_owned(),
            fields: schema.fields.iter().filter_map(|field| field.json_name).collect(),
            indexed: with(IndexKind::Equality),
            ranged: with(IndexKind::Range),
            unique: with(IndexKind::Unique),
            mutations: schema.mutations.to_vec(),
            transformations: schema.transformations.iter().map(|found| found.name).collect(),
        }
    }
}
