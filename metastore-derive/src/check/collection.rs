//! A whole `#[derive(Collection)]`.

use crate::check::{accessor, field, item, options::Options, schema, serde, upgrade};
use crate::ctxt::{Ctxt, Reported};
use crate::model::{Item, Members, Schema};
use crate::raw;

/// The options of `#[collection]`.
const OPTIONS: [&str; 14] = [
    "domain",
    "app",
    "name",
    "object_type",
    "schema",
    "ttl",
    "ttl_on_update",
    "keep",
    "keep_for",
    "audit",
    "json_schema",
    "patch",
    "handle",
    "crate",
];

/// The valid parts of a collection, so that something can be expanded if one is wrong.
pub(crate) struct Checked {
    pub(crate) item: Result<Item, Reported>,
    pub(crate) schema: Result<Schema, Reported>,
    pub(crate) members: Members,
}

/// Checks the collection.
pub(crate) fn collection(cx: &Ctxt, raw: &raw::Collection) -> Checked {
    let options = Options::new(cx, "collection", &OPTIONS, &raw.options);
    let item = item::item(cx, &raw.item, item::Derive::Collection, options.get("crate"));
    let patch = item::type_name(cx, options.get("patch"));
    let handle = item::type_name(cx, options.get("handle"));
    let item = item.map(|item| Item { patch, handle, ..item });
    let number = upgrade::schema(cx, options.get("schema"));
    let schema = schema::schema(cx, raw, &options, number);
    serde::container(cx, raw);
    let fields = field::fields(cx, raw);
    let (mutations, transformations) = accessor::accessors(cx, raw);
    field::constants(cx, &fields, &mutations, &transformations);
    let upgrades = upgrade::upgrades(cx, &raw.upgrades, number, options.get("schema"));
    // Where another type is read, its fields are not those of the patch.
    let patch_is_read = !raw.serde.read_as_other;
    let members = Members { patch_is_read, fields, mutations, transformations, upgrades };
    Checked { item, schema, members }
}
