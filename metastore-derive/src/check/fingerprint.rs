//! A hash of the shape of a document: how it is stored and read.
//!
//! It must come out the same by every compiler, so nothing here relies on how tokens are printed or
//! on a hasher of the standard library. The order of fields, comments, rules of validation and the
//! struct's own name are no part of a shape.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use quote::ToTokens as _;
use syn::Ident;

use crate::check::serde::stored_name;
use crate::raw::{Collection, Field, SerdeContainer};

/// The hash of a struct's shape.
pub(crate) fn fingerprint(raw: &Collection) -> u64 {
    let mut fields: Vec<_> =
        raw.fields.iter().filter_map(|found| field(&raw.serde, found, &raw.item.ident)).collect();
    fields.sort_unstable();
    let mut shape = container(&raw.serde);
    shape.extend(fields.into_iter().flatten());
    hash(&shape)
}

fn container(serde: &SerdeContainer) -> Vec<String> {
    let mut shape = Vec::new();
    if serde.denies_unknown {
        shape.push("#deny_unknown_fields".to_owned());
    }
    push_forms(&mut shape, &serde.forms);
    shape
}

/// The parts of one field; none if it is not stored. No token of a type starts with `#`, so it
/// separates the options of a field from its type.
fn field(container: &SerdeContainer, field: &Field, document: &Ident) -> Option<Vec<String>> {
    let serde = &field.serde;
    let mut shape = match stored_name(container, field) {
        Some(name) => vec!["#field".to_owned(), name],
        None if serde.not_written.is_some() => return None,
        None => vec!["#flatten".to_owned()],
    };
    push_type(&mut shape, field.ty.to_token_stream(), document);
    let facts = [
        ("#default", serde.default || container.default),
        ("#skip_serializing_if", serde.sometimes_written.is_some()),
        ("#skip_deserializing", serde.not_read),
    ];
    shape.extend(facts.into_iter().filter(|(_, holds)| *holds).map(|(fact, _)| fact.to_owned()));
    let mut aliases = serde.aliases.clone();
    aliases.sort_unstable();
    for alias in aliases {
        shape.extend(["#alias".to_owned(), alias]);
    }
    push_forms(&mut shape, &serde.forms);
    Some(shape)
}

fn push_forms(shape: &mut Vec<String>, forms: &[(String, String)]) {
    let mut forms = forms.to_vec();
    forms.sort_unstable();
    shape.extend(forms.into_iter().flat_map(|(key, form)| [format!("#{key}"), form]));
}

/// The tokens of a type, in which the struct's own name and `Self` are the same.
fn push_type(shape: &mut Vec<String>, tokens: TokenStream, document: &Ident) {
    for token in tokens {
        match token {
            TokenTree::Ident(ident) if ident == *document => shape.push("Self".to_owned()),
            TokenTree::Group(group) => {
                // A group without brackets only says that a macro put the type there.
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::None => ("", ""),
                };
                shape.extend((!open.is_empty()).then(|| open.to_owned()));
                push_type(shape, group.stream(), document);
                shape.extend((!close.is_empty()).then(|| close.to_owned()));
            }
            token => shape.push(token.to_string()),
        }
    }
}

/// FNV-1a over the parts, each ended by a byte that no text contains.
fn hash(parts: &[String]) -> u64 {
    const START: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    let bytes = parts.iter().flat_map(|part| part.bytes().chain([0xff]));
    bytes.fold(START, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ctxt::Ctxt;
    use quote::quote;
    use syn::parse_quote;

    fn of(attributes: &TokenStream, fields: &TokenStream) -> u64 {
        let input = parse_quote! { #attributes struct Text { #fields } };
        fingerprint(&crate::parse::collection(&Ctxt::default(), input))
    }

    fn of_fields(fields: &TokenStream) -> u64 {
        of(&TokenStream::new(), fields)
    }

    #[test]
    fn the_number_never_changes() {
        // Hard-coded: another number here would be a changed shape in every user's project.
        let fields = quote! { name: String, #[serde(default)] tags: Vec<Option<Box<Self>>> };
        assert_eq!(of_fields(&fields), 8220647441041358644);
        assert_eq!(of_fields(&TokenStream::new()), 0xcbf2_9ce4_8422_2325);
    }

    #[test]
    fn what_is_no_part_of_the_shape_does_not_count() {
        let plain = of_fields(&quote! { name: String, parts: Vec<Text> });
        for same in [
            quote! { parts: Vec<Text>, name: String },
            quote! { name: String, parts: Vec<Self> },
            quote! { /** Its name. */ #[validate(length(min = 1))] #[index] pub name: String, parts: Vec<Text> },
            quote! { #[serde(rename = "name")] title: String, parts: Vec<Text> },
            quote! { name: String, parts: Vec<Text>, #[serde(skip)] cached: Option<u8> },
        ] {
            assert_eq!(of_fields(&same), plain, "{same}");
        }
        let in_camel_case = quote!(#[serde(rename_all = "camelCase")]);
        assert_eq!(of(&in_camel_case, &quote! { name: String, parts: Vec<Text> }), plain);
    }

    #[test]
    fn every_change_of_the_shape_counts() {
        let shapes = [
            quote! { a: u8 },
            quote! { b: u8 },
            quote! { a: u16 },
            quote! { a: Option<u8> },
            quote! { a: [u8; 2] },
            quote! { a: (u8, u8) },
            quote! { a: u8, b: u8 },
            quote! { #[serde(rename = "x")] a: u8 },
            quote! { #[serde(alias = "x")] a: u8 },
            quote! { #[serde(default)] a: u8 },
            quote! { #[serde(default, skip_serializing_if = "is_zero")] a: u8 },
            quote! { #[serde(skip_deserializing)] a: u8 },
            quote! { #[serde(flatten)] a: u8 },
            quote! { #[serde(with = "hex")] a: u8 },
            quote! { #[serde(serialize_with = "hex")] a: u8 },
            quote! { #[serde(skip)] a: u8 },
        ];
        let containers = [
            quote!(#[serde(deny_unknown_fields)]),
            quote!(#[serde(tag = "type")]),
            quote!(#[serde(from = "Other", into = "Other")]),
            quote!(#[serde(rename_all = "UPPERCASE")]),
        ];
        let mut seen: Vec<u64> = shapes.iter().map(of_fields).collect();
        seen.extend(containers.iter().map(|container| of(container, &quote! { a: u8 })));
        let count = seen.len();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), count);
    }
}
