//! `impl Collection`.

use proc_macro2::TokenStream;
use quote::{ToTokens as _, quote_spanned};
use syn::Path;
use syn::spanned::Spanned as _;

use super::span::{marked, runtime};
use crate::model::Item;

/// The implementation, with the given value of `SCHEMA`, and with a JSON Schema if one is asked for.
pub(crate) fn implementation(
    item: &Item,
    schema: &TokenStream,
    upgrades: &[Path],
    json_schema: bool,
) -> TokenStream {
    let (ident, patch, handle) = (&item.ident, item.patch(), item.handle());
    let at = marked(ident.span());
    let runtime = runtime(item, at);
    let upgrades = (!upgrades.is_empty()).then(|| {
        let upgrades = upgrades.iter().map(upgrade);
        quote_spanned! {at=>
            const UPGRADES: &'static [&'static dyn #runtime::Upgrade] = &[#(#upgrades),*];
        }
    });
    let json_schema = json_schema.then(|| {
        quote_spanned! {at=>
            const JSON_SCHEMA: ::core::option::Option<fn() -> #runtime::Value> =
                ::core::option::Option::Some(#runtime::json_schema::<Self>);
        }
    });
    quote_spanned! {at=>
        #[automatically_derived]
        impl #runtime::Collection for #ident {
            const SCHEMA: &'static #runtime::CollectionSchema = &#schema;
            #upgrades
            #json_schema
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
