//! One constant for each mutation and transformation, which ties its name to its types.

use proc_macro2::{Literal, TokenStream};
use quote::{quote, quote_spanned};

use super::span::{marked, marked_ident, marked_vis};
use crate::model::{Accessor, Item, Members};

/// The constants.
pub(crate) fn consts(item: &Item, members: &Members) -> Option<TokenStream> {
    let mutations = members.mutations.iter().map(|found| mutation(item, found));
    let transformations = members
        .transformations
        .iter()
        .enumerate()
        .map(|(at, found)| transformation(item, at, &found.accessor));
    let consts: Vec<_> = mutations.chain(transformations).collect();
    let ident = &item.ident;
    (!consts.is_empty()).then(|| quote! { impl #ident { #(#consts)* } })
}

fn mutation(item: &Item, mutation: &Accessor) -> TokenStream {
    let Accessor {
        ident, name, ty, ..
    } = mutation;
    let krate = &item.krate;
    let doc = format!(" The mutation `{}`.", name.as_str());
    let (vis, constant) = (marked_vis(&item.vis), marked_ident(&mutation.constant));
    // The compiler complains about a missing method at its name, and about a result that cannot be
    // stored at its type.
    let function = quote_spanned!(ident.span()=> Self::#ident);
    let declared = quote_spanned!(marked(ty.span)=> #krate::__private::Mutation<Self, #ty>);
    let new = quote_spanned!(marked(ty.span)=> #krate::__private::Mutation::new);
    quote! {
        #[doc = #doc]
        #vis const #constant: #declared = #new(#name, #function);
    }
}

fn transformation(item: &Item, at: usize, transformation: &Accessor) -> TokenStream {
    let Accessor { name, ty, .. } = transformation;
    let krate = &item.krate;
    let doc = format!(" The transformation `{}`.", name.as_str());
    let (vis, constant) = (
        marked_vis(&item.vis),
        marked_ident(&transformation.constant),
    );
    let declared = quote_spanned!(marked(ty.span)=> #krate::__private::Transformation<Self, #ty>);
    let new = quote_spanned!(marked(ty.span)=> #krate::__private::Transformation::new);
    let at = Literal::usize_unsuffixed(at);
    quote! {
        #[doc = #doc]
        #vis const #constant: #declared =
            #new(<Self as #krate::__private::Collection>::SCHEMA.transformations[#at]);
    }
}
