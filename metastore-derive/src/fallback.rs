//! The expansion of a wrong definition: its errors, and enough of a collection that code which uses
//! it causes no further errors.

use proc_macro2::TokenStream;
use quote::quote;

use crate::expand;
use crate::expand::runtime;
use crate::model::{Item, Members};
use crate::raw::Broken;

/// The errors and the valid parts of the collection.
pub(crate) fn collection(item: &Item, members: &Members, errors: &TokenStream) -> TokenStream {
    let schema = expand::nameless_schema(item, members);
    let implementation = expand::implementation(item, members, false);
    let members = expand::members(item, &schema, members);
    quote! { #errors #implementation #members }
}

/// The implementations of derives that fail, so that their own report is the only one.
pub(crate) fn missing(item: &Item, broken: Broken) -> TokenStream {
    let ident = &item.ident;
    let runtime = runtime(item, ident.span());
    let serde = broken.serde.then(|| {
        quote! {
            impl #runtime::serde::Serialize for #ident {
                fn serialize<__S: #runtime::serde::Serializer>(
                    &self,
                    _: __S,
                ) -> ::core::result::Result<__S::Ok, __S::Error> {
                    ::core::unreachable!()
                }
            }
            impl<'de> #runtime::serde::Deserialize<'de> for #ident {
                fn deserialize<__D: #runtime::serde::Deserializer<'de>>(
                    _: __D,
                ) -> ::core::result::Result<Self, __D::Error> {
                    ::core::unreachable!()
                }
            }
        }
    });
    let validate = broken.validate.then(|| {
        quote! {
            impl ::validator::Validate for #ident {
                fn validate(&self) -> ::core::result::Result<(), ::validator::ValidationErrors> {
                    ::core::unreachable!()
                }
            }
        }
    });
    quote! { #serde #validate }
}
