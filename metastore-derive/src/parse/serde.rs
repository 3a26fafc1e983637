//! The part of serde's attributes that decides how a document looks in JSON. Anything else is
//! skipped, also what serde does not know: serde reports it better.

use quote::{quote, quote_spanned};
use syn::meta::ParseNestedMeta;
use syn::{Attribute, Expr, ExprPath, LitStr, Result, Token, parenthesized, token};

use crate::raw::{Format, Rename, SerdeContainer, SerdeField};

/// Reads the attributes of a struct.
pub(crate) fn container(attrs: &[Attribute]) -> SerdeContainer {
    let mut serde = SerdeContainer::default();
    each(attrs, |meta, key| {
        match key {
            "transparent" => serde.transparent = Some(meta.path.clone()),
            "rename_all" => merge(&mut serde.rename_all, rename(meta)?),
            "default" => serde.default = true,
            "deny_unknown_fields" => serde.denies_unknown = true,
            "from" | "try_from" => {
                serde.read_as_other = true;
                serde.forms.push(form(meta, key)?);
            }
            "into" => {
                serde.written_as_other = true;
                serde.forms.push(form(meta, key)?);
            }
            "tag" => serde.forms.push(form(meta, key)?),
            "remote" => serde.remote = Some(meta.path.clone()),
            _ => {}
        }
        skip_value(meta)
    });
    serde
}

/// Reads the attributes of a field.
pub(crate) fn field(attrs: &[Attribute]) -> SerdeField {
    let mut serde = SerdeField::default();
    each(attrs, |meta, key| {
        match key {
            "rename" => merge(&mut serde.rename, rename(meta)?),
            "alias" => serde.aliases.push(meta.value()?.parse::<LitStr>()?.value()),
            "flatten" => serde.flatten = Some(meta.path.clone()),
            "skip" => {
                serde.not_written = Some(meta.path.clone());
                serde.not_read = true;
            }
            "skip_serializing" => serde.not_written = Some(meta.path.clone()),
            "skip_serializing_if" => {
                serde.sometimes_written = Some(meta.path.clone());
                serde.skipped_if = Some(meta.value()?.parse::<LitStr>()?.value());
            }
            "skip_deserializing" => serde.not_read = true,
            "default" => {
                serde.default = true;
                serde.own_default = meta.input.peek(Token![=]);
            }
            "with" | "serialize_with" | "deserialize_with" => {
                serde.read_with |= key != "serialize_with";
                let function: LitStr = meta.value()?.parse()?;
                serde.forms.push((key.to_owned(), function.value()));
                format(&mut serde.format, key, &function)?;
            }
            _ => {}
        }
        skip_value(meta)
    });
    serde
}

fn each(attrs: &[Attribute], mut read: impl FnMut(&ParseNestedMeta<'_>, &str) -> Result<()>) {
    for attr in attrs.iter().filter(|attr| attr.path().is_ident("serde")) {
        // serde reports syntax errors, so what was read before one is sufficient.
        let _: Result<()> = attr.parse_nested_meta(|meta| {
            let key = meta.path.get_ident().map(ToString::to_string).unwrap_or_default();
            read(&meta, &key)
        });
    }
}

fn format(format: &mut Format, key: &str, function: &LitStr) -> Result<()> {
    let path: ExprPath = function.parse()?;
    let (mut serialize, mut deserialize) = (quote!(#path), quote!(#path));
    if key == "with" {
        // At the user's text, where the compiler reports a module without such a function.
        let at = function.span();
        serialize = quote_spanned!(at=> #path::serialize);
        deserialize = quote_spanned!(at=> #path::deserialize);
    }
    if key != "deserialize_with" {
        format.serialize = Some(serialize);
    }
    if key != "serialize_with" {
        format.deserialize = Some(deserialize);
    }
    Ok(())
}

fn form(meta: &ParseNestedMeta<'_>, key: &str) -> Result<(String, String)> {
    Ok((key.to_owned(), meta.value()?.parse::<LitStr>()?.value()))
}

fn rename(meta: &ParseNestedMeta<'_>) -> Result<Rename> {
    let mut rename = Rename { key: meta.path.clone(), serialize: None, deserialize: None };
    if meta.input.peek(token::Paren) {
        meta.parse_nested_meta(|side| {
            let name = side.value()?.parse::<LitStr>()?.value();
            if side.path.is_ident("serialize") {
                rename.serialize = Some(name);
            } else if side.path.is_ident("deserialize") {
                rename.deserialize = Some(name);
            }
            Ok(())
        })?;
    } else {
        let name = meta.value()?.parse::<LitStr>()?.value();
        rename.serialize = Some(name.clone());
        rename.deserialize = Some(name);
    }
    Ok(rename)
}

/// The two sides may stand in two attributes.
fn merge(seen: &mut Option<Rename>, rename: Rename) {
    match seen {
        None => *seen = Some(rename),
        Some(seen) => {
            seen.serialize = rename.serialize.or(seen.serialize.take());
            seen.deserialize = rename.deserialize.or(seen.deserialize.take());
        }
    }
}

fn skip_value(meta: &ParseNestedMeta<'_>) -> Result<()> {
    if meta.input.peek(Token![=]) {
        meta.value()?.parse::<Expr>()?;
    } else if meta.input.peek(token::Paren) {
        let content;
        parenthesized!(content in meta.input);
        content.parse::<proc_macro2::TokenStream>()?;
    }
    Ok(())
}
