//! Fields: how they are set in a patch, called in JSON, and indexed.

use syn::Visibility;
use syn::ext::IdentExt as _;

use crate::check::{serde, shape, ty};
use crate::ctxt::{Ctxt, Reported};
use crate::model::{Accessor, Field, Index, IndexKind, Json, Transformation};
use crate::raw;

/// Checks the fields. A wrong field can still be set in the patch.
pub(crate) fn fields(cx: &Ctxt, raw: &raw::Collection) -> Vec<Field> {
    let names = serde::names(cx, raw);
    let field = |(field, name): (&raw::Field, Option<String>)| Field {
        ident: field.ident.clone(),
        vis: setter_vis(&raw.item.vis, &field.vis),
        ty: ty::ty(&field.ty, &raw.item.ident),
        // A custom function decides how the value is written.
        set: if field.serde.forms.is_empty() { shape::set(&field.ty) } else { None },
        aliases: name
            .as_deref()
            .map(|name| serde::aliases(&raw.serde, field, name))
            .unwrap_or_default(),
        json: json(cx, field, name),
        read_names: serde::read_names(&raw.serde, field),
        format: field.serde.format.clone(),
    };
    raw.fields.iter().zip(names).map(field).collect()
}

/// A setter is as visible as its field but never more than the patch, which is as visible as the
/// struct.
fn setter_vis(item: &Visibility, field: &Visibility) -> Visibility {
    match (item, field) {
        (Visibility::Inherited, _) | (_, Visibility::Inherited) => Visibility::Inherited,
        (item, Visibility::Public(_)) => item.clone(),
        (_, field) => field.clone(),
    }
}

fn json(cx: &Ctxt, field: &raw::Field, name: Option<String>) -> Json {
    let index = index(cx, field);
    match name {
        Some(name) => {
            let kind = index.unwrap_or(None);
            let index = kind.and_then(|kind| named_index(cx, field, kind).ok());
            Json::Named { name, index }
        }
        None => Json::Nameless,
    }
}

/// The index with the constant that queries name it by.
fn named_index(cx: &Ctxt, field: &raw::Field, kind: IndexKind) -> Result<Index, Reported> {
    let ident = &field.ident;
    let constant = ident.unraw().to_string().to_ascii_uppercase();
    if constant == "SCHEMA" {
        let message = format!(
            "the index of `{ident}` would be the constant `SCHEMA`, which is the collection's own; \
             rename the field, or remove the index"
        );
        return Err(cx.error(ident, message));
    }
    let constant = syn::Ident::new(&constant, ident.span());
    Ok(Index { kind, constant })
}

fn index(cx: &Ctxt, field: &raw::Field) -> Result<Option<IndexKind>, Reported> {
    let (ident, serde) = (&field.ident, &field.serde);
    let Some((index, more)) = field.indexes.split_first() else {
        return Ok(None);
    };
    let mut checked = Ok(Some(index.kind));
    for again in more {
        checked = Err(match (index.kind, again.kind) {
            (IndexKind::Unique, IndexKind::Unique) => {
                cx.error(&again.attr, format!("`{ident}` is `#[unique]` twice; remove one"))
            }
            // A claim leads from the value to its item, which is all that an index would do.
            (IndexKind::Unique, _) => cx.error(&again.attr, unique_indexes(ident)),
            (_, IndexKind::Unique) => cx.error(&index.attr, unique_indexes(ident)),
            _ => cx.error(&again.attr, format!("`{ident}` has two indexes; keep one `#[index]`")),
        });
    }
    // An index is verified and repaired from the decoded document.
    if serde.flatten.is_some() {
        checked = Err(cx.error(
            &index.attr,
            format!(
                "`{ident}` is flattened, so the document has no field `{ident}` to index; \
                     remove the index, or store the field under its own name"
            ),
        ));
    } else if serde.not_written.is_some() {
        checked = Err(cx.error(
            &index.attr,
            format!("`{ident}` is not stored, so it cannot be indexed; remove one of the two"),
        ));
    } else if serde.not_read {
        checked = Err(cx.error(
            &index.attr,
            format!(
                "`{ident}` is not read back (`skip_deserializing`), so it cannot be indexed; remove one \
                 of the two"
            ),
        ));
    }
    checked
}

fn unique_indexes(ident: &syn::Ident) -> String {
    format!("`#[unique]` already indexes `{ident}`; remove `#[index]`")
}

/// The constant of an index must be unique.
pub(crate) fn constants(
    cx: &Ctxt,
    fields: &[Field],
    mutations: &[Accessor],
    transformations: &[Transformation],
) {
    let accessors = mutations.iter().chain(transformations.iter().map(|found| &found.accessor));
    let mut taken: Vec<(String, String)> = accessors
        .map(|found| (found.constant.to_string(), format!("`{}`", found.name.as_str())))
        .collect();
    for field in fields {
        let Json::Named { index: Some(index), .. } = &field.json else { continue };
        let (ident, constant) = (&field.ident, index.constant.to_string());
        if let Some((_, other)) = taken.iter().find(|(taken, _)| *taken == constant) {
            let message = format!(
                "the index of `{ident}` and {other} would both be the constant `{constant}`; \
                 rename one"
            );
            cx.error(ident, message);
        }
        taken.push((constant, format!("the index of `{ident}`")));
    }
}
