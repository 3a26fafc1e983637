//! The handle on one item: a method for each mutation and transformation.

use proc_macro2::TokenStream;
use quote::quote;
use syn::ext::IdentExt as _;

use super::span::{marked_ident, marked_vis};
use crate::model::{Accessor, Item, Members};

/// The handle type and its methods.
pub(crate) fn handle(item: &Item, members: &Members) -> TokenStream {
    let Item { ident, krate, .. } = item;
    let (vis, handle) = (marked_vis(&item.vis), marked_ident(&item.handle()));
    let doc = format!(
        " One item of [`{}`] by its id, with a method for each mutation and transformation.",
        ident.unraw()
    );
    let mutations = members.mutations.iter().map(|found| mutation(item, found));
    let transformations = members
        .transformations
        .iter()
        .map(|found| transformation(item, &found.accessor));
    let methods: Vec<_> = mutations.chain(transformations).collect();
    let methods = (!methods.is_empty()).then(|| quote! { impl<'a> #handle<'a> { #(#methods)* } });
    quote! {
        #[doc = #doc]
        #vis struct #handle<'a>(#krate::__private::ItemHandle<'a, #ident>);

        #[automatically_derived]
        impl<'a> ::core::convert::From<#krate::__private::ItemHandle<'a, #ident>> for #handle<'a> {
            fn from(item: #krate::__private::ItemHandle<'a, #ident>) -> Self {
                Self(item)
            }
        }

        #[automatically_derived]
        impl<'a> ::core::ops::Deref for #handle<'a> {
            type Target = #krate::__private::ItemHandle<'a, #ident>;
            fn deref(&self) -> &Self::Target {
                &self.0
            }
        }

        #methods
    }
}

fn mutation(item: &Item, mutation: &Accessor) -> TokenStream {
    let Item {
        ident: document,
        krate,
        ..
    } = item;
    let Accessor {
        ident,
        name,
        constant,
        ty,
    } = mutation;
    let doc = format!(" The mutation `{}` of this item.", name.as_str());
    let (vis, ident, constant) = (
        marked_vis(&item.vis),
        marked_ident(ident),
        marked_ident(constant),
    );
    quote! {
        #[doc = #doc]
        #vis fn #ident(&self) -> #krate::__private::ItemMutation<'a, #document, #ty> {
            self.0.mutation(#document::#constant)
        }
    }
}

fn transformation(item: &Item, transformation: &Accessor) -> TokenStream {
    let Item {
        ident: document,
        krate,
        ..
    } = item;
    let Accessor {
        ident,
        name,
        constant,
        ty,
    } = transformation;
    let doc = format!(" The transformation `{}` of this item.", name.as_str());
    let (vis, ident, constant) = (
        marked_vis(&item.vis),
        marked_ident(ident),
        marked_ident(constant),
    );
    quote! {
        #[doc = #doc]
        #vis fn #ident(&self) -> #krate::__private::ItemTransformation<'a, #document, #ty> {
            self.0.transformation(#document::#constant)
        }
    }
}
