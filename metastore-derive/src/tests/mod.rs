//! Tests of whole expansions.

mod budget;
mod expansion;
mod robust;

use prettyplease::unparse;
use proc_macro2::TokenStream;
use syn::DeriveInput;

/// The expansion of `#[derive(Collection)]`, formatted.
fn collection(input: DeriveInput) -> String {
    formatted(crate::derive::collection(input))
}

/// The expansion of `#[derive(Repository)]`, formatted.
fn repository(input: DeriveInput) -> String {
    formatted(crate::derive::repository(input))
}

fn formatted(tokens: TokenStream) -> String {
    unparse(&syn::parse2(tokens).expect("an expansion is a list of items"))
}
