//! Attributes that serde and validator refuse. They then implement nothing, and everything that
//! depends on them would fail as well.

use syn::meta::ParseNestedMeta;
use syn::{Attribute, Path, Result, Token, token};

use crate::raw::Broken;
use crate::suggest;

const SERDE: [&str; 32] = [
    "alias",
    "borrow",
    "bound",
    "content",
    "crate",
    "default",
    "deny_unknown_fields",
    "deserialize_with",
    "expecting",
    "field_identifier",
    "flatten",
    "from",
    "getter",
    "into",
    "other",
    "remote",
    "rename",
    "rename_all",
    "rename_all_fields",
    "serialize_with",
    "skip",
    "skip_deserializing",
    "skip_serializing",
    "skip_serializing_if",
    "tag",
    "transparent",
    "try_from",
    "untagged",
    "variant_identifier",
    "with",
    "serialize",
    "deserialize",
];

const VALIDATE: [&str; 22] = [
    "contains",
    "context",
    "credit_card",
    "crate",
    "custom",
    "does_not_contain",
    "email",
    "ip",
    "length",
    "must_match",
    "mutable",
    "nested",
    "non_control_character",
    "phone",
    "range",
    "regex",
    "required",
    "required_nested",
    "schema",
    "skip_on_field_errors",
    "url",
    "nest_all_fields",
];

/// Which of the two will certainly fail: one with an attribute that is a typo of a known one. An
/// attribute that resembles none may be of a newer version.
pub(super) fn broken<'a>(attrs: impl IntoIterator<Item = &'a Attribute>) -> Broken {
    let mut broken = Broken::default();
    for attr in attrs {
        if attr.path().is_ident("serde") {
            broken.serde |= has_slip(attr, &SERDE);
        } else if attr.path().is_ident("validate") {
            broken.validate |= has_slip(attr, &VALIDATE);
        }
    }
    broken
}

/// The key of `#[validate(context = …)]` on the struct.
pub(super) fn context(attrs: &[Attribute]) -> Option<Path> {
    let mut found = None;
    for attr in attrs.iter().filter(|attr| attr.path().is_ident("validate")) {
        each_key(attr, |path| {
            if path.is_ident("context") {
                found = Some(path.clone());
            }
        });
    }
    found
}

fn has_slip(attr: &Attribute, known: &[&str]) -> bool {
    let mut slip = false;
    each_key(attr, |path| {
        let key = path.get_ident().map(ToString::to_string).unwrap_or_default();
        slip |= !known.contains(&key.as_str()) && suggest::is_slip(&key, known);
    });
    slip
}

fn each_key(attr: &Attribute, mut see: impl FnMut(&Path)) {
    // They report what is not a list of keys.
    let _: Result<()> = attr.parse_nested_meta(|meta| {
        see(&meta.path);
        skip_value(&meta)
    });
}

fn skip_value(meta: &ParseNestedMeta<'_>) -> Result<()> {
    if meta.input.peek(Token![=]) {
        meta.value()?.parse::<syn::Expr>()?;
    } else if meta.input.peek(token::Paren) {
        let content;
        syn::parenthesized!(content in meta.input);
        content.parse::<proc_macro2::TokenStream>()?;
    }
    Ok(())
}
