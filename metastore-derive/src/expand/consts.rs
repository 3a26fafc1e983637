//! One constant for each mutation, transformation and indexed field, which ties its name to its types.

use proc_macro2::{Ident, Literal, TokenStream};
use quote::{ToTokens as _, format_ident, quote, quote_spanned};

use super::span::{marked, marked_ident, marked_vis, runtime};
use crate::model::{Accessor, Field, IndexKind, Item, Json, Members};

/// The constants.
pub(crate) fn consts(item: &Item, members: &Members) -> Option<TokenStream> {
    let mutations = members.mutations.iter().map(|found| mutation(item, found));
    let transformations = members
        .transformations
        .iter()
        .enumerate()
        .map(|(at, found)| transformation(item, at, &found.accessor));
    let indexes = members.fields.iter().filter_map(|found| index(item, found));
    let consts: Vec<_> = mutations.chain(transformations).chain(indexes).collect();
    let ident = &item.ident;
    // To declare a mutation is to use its method, also when nothing runs it yet.
    (!consts.is_empty()).then(|| {
        quote! {
            #[allow(dead_code)]
            impl #ident { #(#consts)* }
        }
    })
}

fn mutation(item: &Item, mutation: &Accessor) -> TokenStream {
    let Accessor { ident, name, ty, .. } = mutation;
    let (vis, constant) = (marked_vis(&item.vis), marked_ident(&mutation.constant));
    let doc = format!(" The mutation `{}`.", name.as_str());
    // The compiler complains about a missing method, or one of another type, at its name.
    let method = quote_spanned!(ident.span()=> Self::#ident);
    let at = marked(ident.span());
    let runtime = runtime(item, at);
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
    quote_spanned! {at=>
        #[doc = #doc]
        #vis const #constant: #runtime::Transformation<Self, #ty> = #runtime::Transformation::new(
            <Self as #runtime::Collection>::SCHEMA.transformations[#position]
        );
    }
}

fn index(item: &Item, field: &Field) -> Option<TokenStream> {
    let Json::Named { name, index: Some(index) } = &field.json else { return None };
    let (vis, constant) = (marked_vis(&field.vis), marked_ident(&index.constant));
    let doc = format!(" The index of `{name}`.");
    let at = marked(field.ident.span());
    let runtime = runtime(item, at);
    let kind = index.kind.marker();
    let ty = if index.as_stored { quote!(#runtime::Value) } else { field.ty.to_token_stream() };
    Some(quote_spanned! {at=>
        #[doc = #doc]
        #vis const #constant: #runtime::Field<Self, #ty, #runtime::#kind> =
            #runtime::Field::new(#name);
    })
}

impl IndexKind {
    /// The runtime's type for what such an index can do.
    pub(super) fn marker(self) -> Ident {
        match self {
            Self::Equality => format_ident!("ByValue"),
            Self::Range => format_ident!("ByRange"),
            Self::Unique => format_ident!("ByClaim"),
        }
    }
}
