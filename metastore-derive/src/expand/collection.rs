//! `impl Document` and `impl Collection`.

use proc_macro2::TokenStream;
use quote::{ToTokens as _, quote_spanned};
use syn::Path;
use syn::spanned::Spanned as _;

use super::span::{marked, marked_ident, runtime};
use crate::model::{Accessor, Field, Item, Json, Members};

/// The implementations, with a JSON Schema if requested.
pub(crate) fn implementation(item: &Item, members: &Members, json_schema: bool) -> TokenStream {
    let (ident, patch, handle) = (&item.ident, item.patch(), item.handle());
    let at = marked(ident.span());
    let runtime = runtime(item, at);
    let upgrades = &members.upgrades;
    let upgrades = (!upgrades.is_empty()).then(|| {
        let upgrades = upgrades.iter().map(upgrade);
        quote_spanned! {at=>
            const UPGRADES: &'static [&'static dyn #runtime::Upgrade] = &[#(#upgrades),*];
        }
    });
    let mutations = (!members.mutations.is_empty()).then(|| {
        let mutations = members.mutations.iter().map(mutation);
        quote_spanned! {at=>
            const MUTATIONS: &'static [&'static dyn #runtime::DynamicMutation<Self>] =
                &[#(#mutations),*];
        }
    });
    let indexes = members.fields.iter().filter_map(index);
    let mut indexes = indexes.peekable();
    let indexes = indexes.peek().is_some().then(|| {
        quote_spanned! {at=>
            const INDEXES: &'static [&'static dyn #runtime::DynamicField<Self>] = &[#(#indexes),*];
        }
    });
    let json_schema = json_schema.then(|| {
        quote_spanned! {at=>
            const JSON_SCHEMA: ::core::option::Option<fn() -> #runtime::Value> =
                ::core::option::Option::Some(#runtime::json_schema::<Self>);
        }
    });
    // A struct without `Clone` is an error of `impl Document`. The bound of `impl Collection` keeps
    // the compiler from reporting the same error there; without the lifetime, which is not used, it
    // would check the bound itself.
    quote_spanned! {at=>
        #[automatically_derived]
        impl #runtime::Document for #ident {
            const SCHEMA: &'static #runtime::CollectionSchema = Self::SCHEMA;
            #upgrades
            #indexes
            #json_schema
            type Patch = #patch;
        }

        #[automatically_derived]
        impl #runtime::Collection for #ident
        where
            for<'__a> #ident: #runtime::Document,
        {
            #mutations
            type Handle<'a> = #handle<'a>;
        }
    }
}

/// A function of another type is reported at its name.
fn upgrade(function: &Path) -> TokenStream {
    let function = function.to_token_stream();
    quote_spanned!(function.span()=> &#function)
}

/// A result that cannot be written is reported at its type.
fn mutation(mutation: &Accessor) -> TokenStream {
    let constant = marked_ident(&mutation.constant);
    quote_spanned!(marked(mutation.ty.span)=> &Self::#constant)
}

fn index(field: &Field) -> Option<TokenStream> {
    let Json::Named { index: Some(index), .. } = &field.json else { return None };
    let constant = marked_ident(&index.constant);
    Some(quote_spanned!(marked(field.ty.span)=> &Self::#constant))
}
