//! `impl Collection`.

use proc_macro2::TokenStream;
use quote::{ToTokens as _, quote_spanned};
use syn::Path;
use syn::spanned::Spanned as _;

use super::span::{marked, runtime};
use crate::model::Item;

/// The implementation, with the given value of `SCHEMA`.
pub(crate) fn implementation(item: &Item, schema: &TokenStream, upgrades: &[Path]) -> TokenStream {
    let (ident, patch, handle) = (&item.ident, item.patch(), item.handle());
    let at = marked(ident.span());
    let runtime = runtime(item, at);
    let upgrades = (!upgrades.is_empty()).then(|| {
        let upgrades = upgrades.iter().map(upgrade);
        quote_spanned! {at=>
            const UPGRADES: &'static [&'static dyn #runtime::Upgrade] = &[#(#upgrades),*];
        }
    });
    quote_spanned! {at=>
        #[automatically_derived]
        impl #runtime::Collection for #ident {
            const SCHEMA: &'static #runtime::CollectionSchema = &#schema;
            #upgrades
            type Patch = #patch;
            type Handle<'a> = #handle<'a>;
        }
    }
}

/// A function of another type is reported at its name.
fn upgrade(function: &Path) -> TokenStream {
    let function = function.to_token_stream();
    quote_spanned!(function.span()=> &#function)
}
