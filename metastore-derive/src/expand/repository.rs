//! The functions of a repository.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};

use super::span::{marked, marked_ident, marked_vis};
use crate::model::{Item, Repository, Ty};

/// `connect` and `with_store`.
pub(crate) fn repository(model: &Repository) -> TokenStream {
    let Repository { item, fields } = model;
    let Item { ident, krate, .. } = item;
    let vis = marked_vis(&item.vis);
    let fields = fields.iter().map(|(name, ty)| field(item, name, ty));
    quote! {
        impl #ident {
            /// Connects to the server at `url` and opens every collection on that one connection.
            ///
            /// # Errors
            ///
            /// When the URL is not one or the server cannot be reached.
            #vis async fn connect(
                url: impl ::core::convert::AsRef<str>,
            ) -> ::core::result::Result<Self, #krate::__private::Error> {
                let store = #krate::__private::Store::connect(url).await?;
                ::core::result::Result::Ok(Self::with_store(&store))
            }

            /// Opens every collection on `store`.
            #[must_use]
            #vis fn with_store(store: &#krate::__private::Store) -> Self {
                Self { #(#fields,)* }
            }
        }
    }
}

fn field(item: &Item, name: &syn::Ident, ty: &Ty) -> TokenStream {
    let krate = &item.krate;
    let name = marked_ident(name);
    // A field that is not a repository is reported at its type.
    let open = quote_spanned!(marked(ty.span)=> <#ty as #krate::__private::FromStore>::from_store);
    quote!(#name: #open(store))
}
