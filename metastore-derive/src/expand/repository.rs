//! The functions of a repository.

use proc_macro2::TokenStream;
use quote::quote_spanned;

use super::span::{marked, marked_ident, marked_vis, runtime};
use crate::model::{Item, Repository, Ty};

/// `connect`, `with_store` and `as_user`.
pub(crate) fn repository(model: &Repository) -> TokenStream {
    let Repository { item, fields } = model;
    let ident = &item.ident;
    let vis = marked_vis(&item.vis);
    let at = marked(ident.span());
    let runtime = runtime(item, at);
    let for_user = fields.iter().map(|(name, ty)| field_for_user(item, name, ty));
    let fields = fields.iter().map(|(name, ty)| field(item, name, ty));
    quote_spanned! {at=>
        impl #ident {
            /// Connects to the server at `url` and opens every collection on that one connection.
            ///
            /// # Errors
            ///
            /// When the URL is not one or the server cannot be reached.
            #vis async fn connect(
                url: impl ::core::convert::AsRef<str>,
            ) -> ::core::result::Result<Self, #runtime::Error> {
                let store = #runtime::Store::connect(url).await?;
                ::core::result::Result::Ok(Self::with_store(&store))
            }

            /// Opens every collection on `store`.
            #[must_use]
            #vis fn with_store(store: &#runtime::Store) -> Self {
                Self { #(#fields,)* }
            }

            /// The same collections on behalf of a user, who is named by each write and owns what is
            /// created.
            ///
            /// # Errors
            ///
            /// When the user's name breaks the rule for ids.
            #vis fn as_user(
                &self,
                user: impl #runtime::ToId,
            ) -> ::core::result::Result<Self, #runtime::Error> {
                let user = #runtime::user(&user)?;
                ::core::result::Result::Ok(Self { #(#for_user,)* })
            }
        }
    }
}

fn field(item: &Item, name: &syn::Ident, ty: &Ty) -> TokenStream {
    let name = marked_ident(name);
    // A field that is not a repository is reported at its type.
    let at = marked(ty.span);
    let runtime = runtime(item, at);
    quote_spanned!(at=> #name: <#ty as #runtime::FromStore>::from_store(store))
}

fn field_for_user(item: &Item, name: &syn::Ident, ty: &Ty) -> TokenStream {
    let name = marked_ident(name);
    let at = marked(ty.span);
    let runtime = runtime(item, at);
    quote_spanned!(at=> #name: <#ty as #runtime::FromStore>::for_user(&self.#name, &user))
}
