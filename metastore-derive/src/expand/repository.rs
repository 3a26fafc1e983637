//! The functions of a repository.

use proc_macro2::TokenStream;
use quote::quote_spanned;

use super::span::{marked, marked_ident, marked_vis, runtime};
use crate::model::{Item, Repository, Ty};

/// `connect`, `with_store`, `register`, `as_user` and `dynamic`.
pub(crate) fn repository(model: &Repository) -> TokenStream {
    let Repository { item, fields } = model;
    let ident = &item.ident;
    let vis = marked_vis(&item.vis);
    let at = marked(ident.span());
    let runtime = runtime(item, at);
    let opened = fields.iter().map(|(name, ty)| opened(item, name, ty));
    let registrations = fields.iter().map(|(name, ty)| registration(item, name, ty));
    let distinct = distinct(item, fields);
    let for_user = fields.iter().map(|(name, ty)| for_user(item, name, ty));
    let dynamic_fields = fields.iter().map(|(name, ty)| dynamic_field(item, name, ty));
    quote_spanned! {at=>
        #distinct

        impl #ident {
            /// Connects to the server at `url`, opens every collection on that one connection, and
            /// registers them in the server's catalog.
            ///
            /// Connecting to a server that is full or refuses writes succeeds.
            ///
            /// # Errors
            ///
            /// When the URL is not one, the server cannot be reached, or two collections have the
            /// same address.
            #vis async fn connect(
                url: impl ::core::convert::AsRef<str>,
            ) -> ::core::result::Result<Self, #runtime::Error> {
                let store = #runtime::Store::connect(url).await?;
                let repository = Self::with_store(&store);
                #runtime::announce(repository.register()).await?;
                ::core::result::Result::Ok(repository)
            }

            /// Opens every collection on `store`.
            #[must_use]
            #vis fn with_store(store: &#runtime::Store) -> Self {
                Self { #(#opened,)* }
            }

            /// Registers every collection in the server's catalog, as `connect` does.
            ///
            /// One round trip, which writes only what is new.
            ///
            /// # Errors
            ///
            /// When there is something to register and the server refuses writes, is full, or
            /// cannot be reached.
            #vis async fn register(&self) -> ::core::result::Result<(), #runtime::Error> {
                #runtime::register([#(#registrations,)*]).await
            }

            /// The same collections on behalf of a user, who is named by each write and owns what
            /// is created.
            ///
            /// # Errors
            ///
            /// When the user's name is empty or longer than 512 bytes.
            #vis fn as_user(
                &self,
                user: impl #runtime::ToActor,
            ) -> ::core::result::Result<Self, #runtime::Error> {
                let user = #runtime::user(&user)?;
                ::core::result::Result::Ok(Self { #(#for_user,)* })
            }

            /// The same collections by name and over JSON.
            #[must_use]
            #vis fn dynamic(&self) -> #runtime::Dynamic {
                #runtime::Dynamic::new() #(#dynamic_fields)*
            }
        }
    }
}

fn opened(item: &Item, name: &syn::Ident, ty: &Ty) -> TokenStream {
    let name = marked_ident(name);
    let door = from_store(item, ty);
    quote_spanned!(marked(ty.span)=> #name: #door::from_store(store))
}

fn registration(item: &Item, name: &syn::Ident, ty: &Ty) -> TokenStream {
    let name = marked_ident(name);
    let door = from_store(item, ty);
    quote_spanned!(marked(ty.span)=> #door::registration(&self.#name))
}

/// Refuses a collection that has the address of one before it, at its type.
fn distinct(item: &Item, fields: &[(syn::Ident, Ty)]) -> TokenStream {
    let at = marked(item.ident.span());
    let runtime = runtime(item, at);
    // The same collection twice is not an error.
    let mut types: Vec<&Ty> = Vec::new();
    for (_, ty) in fields {
        if types.iter().all(|seen| seen.tokens.to_string() != ty.tokens.to_string()) {
            types.push(ty);
        }
    }
    let count = types.len();
    let schemas = types.iter().map(|ty| {
        let door = from_store(item, ty);
        quote_spanned!(marked(ty.span)=> #door::SCHEMA)
    });
    let checks = types.iter().enumerate().skip(1).map(|(position, ty)| {
        let at = marked(ty.span);
        let runtime = self::runtime(item, at);
        quote_spanned!(at=> #runtime::distinct(&SCHEMAS, #position);)
    });
    quote_spanned! {at=>
        const _: () = {
            const SCHEMAS: [&#runtime::CollectionSchema; #count] = [#(#schemas),*];
            #(#checks)*
        };
    }
}

fn for_user(item: &Item, name: &syn::Ident, ty: &Ty) -> TokenStream {
    let name = marked_ident(name);
    let door = from_store(item, ty);
    quote_spanned!(marked(ty.span)=> #name: #door::for_user(&self.#name, &user))
}

/// The trait of a field's type; a field that is not a repository is reported at its type.
fn from_store(item: &Item, ty: &Ty) -> TokenStream {
    let at = marked(ty.span);
    let runtime = runtime(item, at);
    quote_spanned!(at=> <#ty as #runtime::FromStore>)
}

fn dynamic_field(item: &Item, name: &syn::Ident, ty: &Ty) -> TokenStream {
    let name = marked_ident(name);
    let door = from_store(item, ty);
    quote_spanned!(marked(ty.span)=> .with_erased(#door::erased(&self.#name)))
}
