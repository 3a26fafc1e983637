//! `impl Collection`.

use proc_macro2::TokenStream;
use quote::quote;

use crate::model::Item;

/// The implementation, with the given value of `SCHEMA`.
pub(crate) fn implementation(item: &Item, schema: &TokenStream) -> TokenStream {
    let Item { ident, krate, .. } = item;
    let (patch, handle) = (item.patch(), item.handle());
    quote! {
        #[automatically_derived]
        impl #krate::__private::Collection for #ident {
            const SCHEMA: &'static #krate::__private::CollectionSchema = &#schema;
            type Patch = #patch;
            type Handle<'a> = #handle<'a>;
        }
    }
}
