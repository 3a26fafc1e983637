//! The two pipelines: parse, check, expand.

use proc_macro2::TokenStream;
use quote::quote;
use syn::DeriveInput;

use crate::ctxt::Ctxt;
use crate::model::Collection;
use crate::raw::Broken;
use crate::{check, expand, fallback, parse};

/// `#[derive(Collection)]`.
pub(crate) fn collection(input: DeriveInput) -> TokenStream {
    let cx = Ctxt::default();
    let raw = parse::collection(&cx, input);
    let check::Checked { item, schema, members } = check::collection(&cx, &raw);
    let errors = cx.into_errors();
    match (item, schema) {
        (Ok(item), Ok(schema)) if errors.is_empty() => {
            let missing = fallback::missing(&item, raw.broken);
            let expanded = expand::collection(&Collection { item, schema, members });
            quote! { #expanded #missing }
        }
        (Ok(item), _) => {
            let context = raw.validate_context.is_some();
            let broken = Broken { validate: raw.broken.validate || context, ..raw.broken };
            let missing = fallback::missing(&item, broken);
            let fallback = fallback::collection(&item, &members, &errors);
            quote! { #fallback #missing }
        }
        // An enum or a generic struct is no basis for an expansion.
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
