//! `impl Collection`.

use proc_macro2::TokenStream;
use quote::quote_spanned;

use super::span::{marked, runtime};
use crate::model::Item;

/// The implementation, with the given value of `SCHEMA`.
pub(crate) fn implementation(item: &Item, schema: &TokenStream) -> TokenStream {
    let (ident, patch, handle) = (&item.ident, item.patch(), item.handle());
    let at = marked(ident.span());
    let runtime = runtime(item, at);
    quote_spanned! {at=>
        #[automatically_derived]
        impl #runtime::Collection for #ident {
            const SCHEMA: &'static #runtime::CollectionSchema = &#schema;
            type Patch = #patch;
            type Handle<'a> = #handle<'a>;
        }
    }
}
