//! How many lines each additional part adds to what every user compiles.
//!
//! Each limit is the exact number. Raise one only if the runtime cannot do the work.

use quote::{format_ident, quote};
use syn::parse_quote;

use super::{collection, repository};

/// The lines of a collection with so many fields, mutations and transformations.
fn lines(fields: usize, mutations: usize, transformations: usize) -> usize {
    let fields = (0..fields).map(|n| {
        let name = format_ident!("contents{n}");
        quote! { #[index] pub #name: Option<String> }
    });
    let mutations = (0..mutations).map(|n| {
        let name = format_ident!("wordcount{n}");
        quote! { #[mutation(#name -> usize)] }
    });
    let transformations = (0..transformations).map(|n| {
        let name = format_ident!("summarize{n}");
        quote! { #[transformation(#name -> Summary, timeout = "30s", retries = 3)] }
    });
    let expansion = collection(parse_quote! {
        #[collection(domain = "d", app = "a", name = "n", object_type = texts)]
        #(#mutations)*
        #(#transformations)*
        pub struct Text { #(#fields),* }
    });
    expansion.lines().count()
}

#[test]
fn a_field() {
    assert_eq!(lines(4, 0, 0) - lines(3, 0, 0), 33);
}

#[test]
fn a_mutation() {
    assert_eq!(lines(0, 4, 0) - lines(0, 3, 0), 12);
}

#[test]
fn a_transformation() {
    assert_eq!(lines(0, 0, 4) - lines(0, 0, 3), 13);
}

#[test]
fn a_collection_with_nothing_in_it() {
    assert_eq!(lines(0, 0, 0), 79);
}

#[test]
fn a_repository_field() {
    let lines = |fields: usize| {
        let fields = (0..fields).map(|n| {
            let name = format_ident!("contents{n}");
            quote! { pub #name: Repo<Text> }
        });
        repository(parse_quote! { pub struct MyRepo { #(#fields),* } }).lines().count()
    };
    assert_eq!(lines(4) - lines(3), 14);
}
