//! Types that are put elsewhere than where the user wrote them.

use proc_macro2::{Group, TokenStream, TokenTree};
use quote::ToTokens;
use syn::spanned::Spanned as _;
use syn::{Ident, Type};

use crate::model::Ty;

/// The type, with `Self` replaced by the struct's name: in the patch and in the handle `Self` would
/// mean these.
pub(crate) fn ty(ty: &Type, document: &Ident) -> Ty {
    Ty { span: ty.span(), tokens: without_self(ty.to_token_stream(), document) }
}

fn without_self(tokens: TokenStream, document: &Ident) -> TokenStream {
    let replace = |token| match token {
        TokenTree::Ident(ident) if ident == "Self" => {
            let mut document = document.clone();
            document.set_span(ident.span());
            TokenTree::Ident(document)
        }
        TokenTree::Group(group) => {
            let mut replaced =
                Group::new(group.delimiter(), without_self(group.stream(), document));
            replaced.set_span(group.span());
            TokenTree::Group(replaced)
        }
        other => other,
    };
    tokens.into_iter().map(replace).collect()
}
