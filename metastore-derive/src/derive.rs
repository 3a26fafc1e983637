//! The two pipelines: parse, check, expand.

use proc_macro2::TokenStream;
use quote::quote;
use syn::DeriveInput;

use crate::ctxt::Ctxt;
use crate::model::Collection;
use crate::{check, expand, fallback, parse};

/// `#[derive(Collection)]`.
pub(crate) fn collection(input: DeriveInput) -> TokenStream {
    let cx = Ctxt::default();
    let raw = parse::collection(&cx, input);
    let check::Checked { item, schema, members } = check::collection(&cx, &raw);
    let errors = cx.into_errors();
    match (item, schema) {
        (Ok(item), Ok(schema)) if errors.is_empty() => {
            expand::collection(&Collection { item, schema, members })
        }
        (Ok(item), _) => fallback::collection(&item, &members, &errors),
        // Of an enum or a generic struct there is nothing to build on.
        (Err(_), _) => errors,
    }
}

/// `#[derive(Indexable)]`.
pub(crate) fn indexable(input: DeriveInput) -> TokenStream {
    let cx = Ctxt::default();
    let raw = parse::indexable(&cx, input);
    let expanded = check::indexable(&cx, &raw).ok().map(|model| expand::indexable(&model));
    let errors = cx.into_errors();
    quote! { #errors #expanded }
}

/// `#[derive(Repository)]`.
pub(crate) fn repository(input: DeriveInput) -> TokenStream {
    let cx = Ctxt::default();
    let raw = parse::repository(&cx, input);
    // No mistake that can still be expanded changes the expansion, so it is its own fallback.
    let expanded = check::repository(&cx, &raw).ok().map(|model| expand::repository(&model));
    let errors = cx.into_errors();
    quote! { #errors #expanded }
}
