//! The patch: each field is unchanged or set to a value.

use proc_macro2::TokenStream;
use quote::quote_spanned;
use syn::ext::IdentExt as _;

use super::format::format;
use super::span::{marked, marked_ident, marked_vis, runtime};
use crate::model::{Field, Item, Members};

/// The patch type, its setters and `impl Patch`.
pub(crate) fn patch(item: &Item, members: &Members) -> TokenStream {
    let fields = &members.fields;
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
    let read = members.patch_is_read.then(|| read(item, fields));
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

        #read
    }
}

/// The patch from JSON: absent fields are unchanged, present ones are set.
fn read(item: &Item, fields: &[Field]) -> TokenStream {
    let patch = marked_ident(&item.patch());
    let at = marked(item.ident.span());
    let runtime = runtime(item, at);
    let fields: Vec<_> = fields.iter().filter(|field| !field.read_names.is_empty()).collect();
    let names = fields.iter().map(|field| {
        let names = &field.read_names;
        quote_spanned!(at=> &[#(#names),*])
    });
    // With a bound for each type, a field that JSON cannot set is not an error of the patch.
    let bounds = fields.iter().filter(|field| field.format.deserialize.is_none()).map(|field| {
        let ty = &field.ty;
        quote_spanned!(at=> #ty: #runtime::serde::Deserialize<'de>)
    });
    let arms = fields.iter().enumerate().map(|(position, field)| {
        let (name, ty) = (marked_ident(&field.ident), &field.ty);
        let value = match (format(item, field), &field.format.deserialize) {
            (Some(format), Some(_)) => quote_spanned! {at=> {
                #format
                #runtime::next_value_as::<#ty, __Format, __A>(map)?
            }},
            _ => quote_spanned!(at=> #runtime::serde::de::MapAccess::next_value(map)?),
        };
        quote_spanned!(at=> #position => self.#name = ::core::option::Option::Some(#value),)
    });
    let map = if fields.is_empty() { "_map" } else { "map" };
    let map = syn::Ident::new(map, at);
    quote_spanned! {at=>
        #[automatically_derived]
        impl<'de> #runtime::ReadPatch<'de> for #patch
        where
            #(#bounds,)*
        {
            const NAMES: &'static [&'static [&'static str]] = &[#(#names),*];
            fn read<__A: #runtime::serde::de::MapAccess<'de>>(
                &mut self,
                field: usize,
                #map: &mut __A,
            ) -> ::core::result::Result<(), <__A as #runtime::serde::de::MapAccess<'de>>::Error> {
                match field {
                    #(#arms)*
                    _ => {}
                }
                ::core::result::Result::Ok(())
            }
        }

        #[automatically_derived]
        impl<'de> #runtime::serde::Deserialize<'de> for #patch
        where
            Self: #runtime::ReadPatch<'de>,
        {
            fn deserialize<__D: #runtime::serde::Deserializer<'de>>(
                deserializer: __D,
            ) -> ::core::result::Result<Self, <__D as #runtime::serde::Deserializer<'de>>::Error> {
                #runtime::read_patch(deserializer)
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
