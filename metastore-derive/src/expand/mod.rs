//! From the checked model to code. Nothing here can fail, and nothing here decides: generated code
//! is data and one-line calls into the runtime.

mod collection;
mod consts;
mod format;
mod handle;
mod indexable;
mod patch;
mod repository;
mod schema;
mod span;

pub(crate) use collection::implementation;
pub(crate) use indexable::indexable;
pub(crate) use repository::repository;
pub(crate) use schema::nameless as nameless_schema;

pub(crate) use span::runtime;

use proc_macro2::TokenStream;
use quote::quote;

use crate::model::{Collection, Item, Members};

/// A whole collection.
pub(crate) fn collection(model: &Collection) -> TokenStream {
    let Collection { item, schema, members } = model;
    let implementation = implementation(item, members, schema.json_schema);
    let schema = schema::schema(item, schema, members);
    let members = self::members(item, &schema, members);
    quote! { #implementation #members }
}

/// The items that the user calls, with the given value of `SCHEMA`.
pub(crate) fn members(item: &Item, schema: &TokenStream, members: &Members) -> TokenStream {
    let consts = consts::consts(item, schema, members);
    let patch = patch::patch(item, members);
    let handle = handle::handle(item, members);
    quote! { #consts #patch #handle }
}
