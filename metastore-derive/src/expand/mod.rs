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
    let json_schema = schema.json_schema;
    let schema = schema::schema(item, schema, members);
    let implementation = implementation(item, &schema, members, json_schema);
    let members = self::members(item, members);
    quote! { #implementation #members }
}

/// The items that the user calls.
pub(crate) fn members(item: &Item, members: &Members) -> TokenStream {
    let consts = consts::consts(item, members);
    let patch = patch::patch(item, members);
    let handle = handle::handle(item, members);
    quote! { #consts #patch #handle }
}
