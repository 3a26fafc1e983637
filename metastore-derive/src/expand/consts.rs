//! `SCHEMA`, and one constant for each mutation, transformation and indexed field, which ties its
//! name to its types.

use proc_macro2::{Ident, Literal, TokenStream};
use quote::{format_ident, quote, quote_spanned};

use super::format;
use super::span::{marked, marked_ident, marked_vis, runtime};
use crate::model::{Accessor, Field, IndexKind, Item, Json, Members};

/// The constants.
///
/// `SCHEMA` has the given value, and `impl Document` copies it. The other way round, each use of
/// the trait's constant would repeat the error about a forgotten derive.
pub(crate) fn consts(item: &Item, schema: &TokenStream, members: &Members) -> TokenStream {
    let schema = self::schema(item, schema);
    let mutations = members.mutations.iter().map(|found| mutation(item, found));
    let transformations = members
        .transformations
        .iter()
        .enumerate()
        .map(|(at, found)| transformation(item, at, &found.accessor));
    let indexes = members.fields.iter().filter_map(|found| index(item, found));
    let ident = &item.ident;
    // Declaring a mutation counts as a use of its method, even if nothing runs it yet.
    quote! {
        #[allow(dead_code)]
        impl #ident { #schema #(#mutations)* #(#transformations)* #(#indexes)* }
    }
}

fn schema(item: &Item, value: &TokenStream) -> TokenStream {
    let (vis, at) = (marked_vis(&item.vis), marked(item.ident.span()));
    let runtime = runtime(item, at);
    quote_spanned! {at=>
        /// The schema: what is known about the collection at compile time.
        #vis const SCHEMA: &'static #runtime::CollectionSchema = &#value;
    }
}

fn mutation(item: &Item, mutation: &Accessor) -> TokenStream {
    let Accessor { ident, name, ty, .. } = mutation;
    let (vis, constant) = (marked_vis(&item.vis), marked_ident(&mutation.constant));
    let doc = format!(" The mutation `{}`.", name.as_str());
    let at = marked(ident.span());
    let runtime = runtime(item, at);
    // The compiler complains about a missing method, or one of another type, at its name.
    let method = quote_spanned! {ident.span()=>
        |document| #runtime::mutation_result::<#ty, _>(Self::#ident(document))
    };
    quote_spanned! {at=>
        #[doc = #doc]
        #vis const #constant: #runtime::Mutation<Self, #ty> =
            #runtime::Mutation::new(#name, #method);
    }
}

fn transformation(item: &Item, position: usize, transformation: &Accessor) -> TokenStream {
    let Accessor { ident, name, ty, .. } = transformation;
    let (vis, constant) = (marked_vis(&item.vis), marked_ident(&transformation.constant));
    let doc = format!(" The transformation `{}`.", name.as_str());
    let position = Literal::usize_unsuffixed(position);
    let at = marked(ident.span());
    let runtime = runtime(item, at);
    // A result that cannot be stored is reported at its type.
    let new = quote_spanned!(marked(ty.span)=> #runtime::Transformation::new);
    quote_spanned! {at=>
        #[doc = #doc]
        #vis const #constant: #runtime::Transformation<Self, #ty> =
            #new(Self::SCHEMA.transformations[#position]);
    }
}

fn index(item: &Item, field: &Field) -> Option<TokenStream> {
    let Json::Named { name, index: Some(index) } = &field.json else { return None };
    let (vis, constant) = (marked_vis(&field.vis), marked_ident(&index.constant));
    let doc = format!(" The index of `{name}`.");
    let at = marked(field.ident.span());
    let runtime = runtime(item, at);
    let (ty, ident) = (&field.ty, marked_ident(&field.ident));
    let written = field.format.serialize.is_some();
    let (marker, constructor) = match index.kind {
        IndexKind::Equality if written => ("ByJson", "written"),
        IndexKind::Equality => ("ByValue", "equality"),
        IndexKind::Range => ("ByRange", "range"),
        IndexKind::Unique => ("ByUnique", "unique"),
    };
    let marker = Ident::new(marker, at);
    // A type that no index can hold is reported at the field's type.
    let at_type = marked(field.ty.span);
    let value = match format::format(item, field) {
        None => {
            let constructor = Ident::new(constructor, at_type);
            quote_spanned!(at_type=> #runtime::Field::#constructor(#name, |document| &document.#ident))
        }
        Some(format) => {
            let constructor = format_ident!("{constructor}_as", span = at_type);
            quote_spanned! {at_type=> {
                #format
                #runtime::Field::#constructor::<__Format>(#name, |document| &document.#ident)
            }}
        }
    };
    Some(quote_spanned! {at=>
        #[doc = #doc]
        #vis const #constant: #runtime::Field<Self, #ty, #runtime::#marker> = #value;
    })
}
