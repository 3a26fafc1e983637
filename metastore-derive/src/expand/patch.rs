//! The patch: each field left alone, or set to a value.

use proc_macro2::TokenStream;
use quote::quote_spanned;
use syn::ext::IdentExt as _;

use super::span::{marked, marked_ident, marked_vis, runtime};
use crate::model::{Field, Item};

/// The patch type, its setters and `impl Patch`.
pub(crate) fn patch(item: &Item, fields: &[Field]) -> TokenStream {
    let ident = &item.ident;
    let (vis, patch) = (marked_vis(&item.vis), marked_ident(&item.patch()));
    let doc = format!(" A partial [`{}`]: the fields to change.", ident.unraw());
    let names: Vec<_> = fields.iter().map(|field| marked_ident(&field.ident)).collect();
    let types = fields.iter().map(|field| &field.ty);
    let at = marked(ident.span());
    let runtime = runtime(item, at);
    let setters = (!fields.is_empty()).then(|| {
        let setters = fields.iter().map(|field| setter(item, field));
        quote_spanned! {at=> impl #patch { #(#setters)* } }
    });
    let document = if fields.is_empty() { "_document" } else { "document" };
    let document = syn::Ident::new(document, at);
    quote_spanned! {at=>
        #[doc = #doc]
        #[derive(::core::clone::Clone, ::core::default::Default)]
        #[must_use]
        #vis struct #patch { #(#names: ::core::option::Option<#types>,)* }

        #setters

        #[automatically_derived]
        impl #runtime::Patch<#ident> for #patch {
            fn apply(self, #document: &mut #ident) {
                #(if let ::core::option::Option::Some(value) = self.#names {
                    #document.#names = value;
                })*
            }
        }
    }
}

fn setter(item: &Item, field: &Field) -> TokenStream {
    let ty = &field.ty;
    let (vis, name) = (marked_vis(&field.vis), marked_ident(&field.ident));
    let doc = format!(" Sets `{}`.", field.ident.unraw());
    // A value that does not fit is explained at the field's type.
    let at = marked(ty.span);
    let runtime = runtime(item, at);
    let bound = quote_spanned!(at=> #ty: #runtime::PatchValue<__V>);
    quote_spanned! {name.span()=>
        #[doc = #doc]
        #vis fn #name<__V>(mut self, value: __V) -> Self
        where
            #bound,
        {
            self.#name = ::core::option::Option::Some(#runtime::PatchValue::from_value(value));
            self
        }
    }
}
