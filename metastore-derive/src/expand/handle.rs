//! The handle on one item: a method for each mutation and transformation.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::ext::IdentExt as _;

use super::span::{marked, marked_ident, marked_vis, runtime};
use crate::model::{Accessor, Item, Members};

/// The handle type and its methods.
pub(crate) fn handle(item: &Item, members: &Members) -> TokenStream {
    let ident = &item.ident;
    let (vis, handle) = (marked_vis(&item.vis), marked_ident(&item.handle()));
    let doc = format!(
        " One item of [`{}`] by its id, with a method for each mutation and transformation.",
        ident.unraw()
    );
    let at = marked(ident.span());
    let runtime = runtime(item, at);
    let mutations = members.mutations.iter().map(|found| mutation(item, found));
    let transformations =
        members.transformations.iter().map(|found| transformation(item, &found.accessor));
    let methods: Vec<_> = mutations.chain(transformations).collect();
    let methods = (!methods.is_empty()).then(|| quote! { impl<'a> #handle<'a> { #(#methods)* } });
    quote_spanned! {at=>
        #[doc = #doc]
        #vis struct #handle<'a>(#runtime::ItemHandle<'a, #ident>);

        #[automatically_derived]
        impl<'a> ::core::convert::From<#runtime::ItemHandle<'a, #ident>> for #handle<'a> {
            fn from(item: #runtime::ItemHandle<'a, #ident>) -> Self {
                Self(item)
            }
        }

        #[automatically_derived]
        impl<'a> ::core::ops::Deref for #handle<'a> {
            type Target = #runtime::ItemHandle<'a, #ident>;
            fn deref(&self) -> &Self::Target {
                &self.0
            }
        }

        #methods
    }
}

fn mutation(item: &Item, mutation: &Accessor) -> TokenStream {
    let Accessor { ident, name, constant, ty } = mutation;
    let (document, vis, at) = (&item.ident, marked_vis(&item.vis), marked(ident.span()));
    let (ident, constant) = (marked_ident(ident), marked_ident(constant));
    let doc = format!(" The mutation `{}` of this item.", name.as_str());
    let runtime = runtime(item, at);
    quote_spanned! {at=>
        #[doc = #doc]
        #vis fn #ident(&self) -> #runtime::ItemMutation<'a, #document, #ty> {
            self.0.mutation(#document::#constant)
        }
    }
}

fn transformation(item: &Item, transformation: &Accessor) -> TokenStream {
    let Accessor { ident, name, constant, ty } = transformation;
    let (document, vis, at) = (&item.ident, marked_vis(&item.vis), marked(ident.span()));
    let (ident, constant) = (marked_ident(ident), marked_ident(constant));
    let doc = format!(" The transformation `{}` of this item.", name.as_str());
    let runtime = runtime(item, at);
    quote_spanned! {at=>
        #[doc = #doc]
        #vis fn #ident(&self) -> #runtime::ItemTransformation<'a, #document, #ty> {
            self.0.transformation(#document::#constant)
        }
    }
}
