//! Custom functions by which serde writes and reads a field.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};

use super::span::{marked, runtime};
use crate::model::{Field, Format, Item};

/// A type `__Format` that calls them; `None` where serde uses the field's type.
pub(crate) fn format(item: &Item, field: &Field) -> Option<TokenStream> {
    let Format { serialize, deserialize } = &field.format;
    if serialize.is_none() && deserialize.is_none() {
        return None;
    }
    let at = marked(field.ident.span());
    let runtime = runtime(item, at);
    let ty = &field.ty;
    let serialize = match serialize {
        Some(function) => quote!(#function),
        None => quote_spanned!(at=> #runtime::serde::Serialize::serialize),
    };
    let deserialize = match deserialize {
        Some(function) => quote!(#function),
        None => quote_spanned!(at=> #runtime::serde::Deserialize::deserialize),
    };
    Some(quote_spanned! {at=>
        struct __Format;
        impl #runtime::FieldFormat<#ty> for __Format {
            fn serialize<__S: #runtime::serde::Serializer>(
                value: &#ty,
                serializer: __S,
            ) -> ::core::result::Result<__S::Ok, __S::Error> {
                #serialize(value, serializer)
            }
            fn deserialize<'de, __D: #runtime::serde::Deserializer<'de>>(
                deserializer: __D,
            ) -> ::core::result::Result<#ty, __D::Error> {
                #deserialize(deserializer)
            }
        }
    })
}
