//! Fields: how they are set in a patch, called in JSON, and indexed.

use syn::Visibility;

use crate::check::{serde, ty};
use crate::ctxt::{Ctxt, Reported};
use crate::model::{Field, IndexKind, Json};
use crate::raw;

/// Checks the fields. Each stays settable whatever is wrong with it.
pub(crate) fn fields(cx: &Ctxt, raw: &raw::Collection) -> Vec<Field> {
    let names = serde::names(cx, raw);
    let field = |(field, name): (&raw::Field, Option<String>)| Field {
        ident: field.ident.clone(),
        vis: setter_vis(&raw.item.vis, &field.vis),
        ty: ty::ty(&field.ty, &raw.item.ident),
        json: json(cx, field, name),
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
        Some(name) => Json::Named { name, index: index.unwrap_or(None) },
        None => Json::Nameless,
    }
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
    // A promise that nothing keeps yet would let the second of two equal values in.
    if checked.is_ok() && index.kind == IndexKind::Unique {
        checked = Err(cx.error(
            &index.attr,
            "`#[unique]` is not enforced yet; until it is, make the value the item's id \
             with `create_with_id`",
        ));
    }
    // An index is built from the stored document, by the field's own name there.
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
    }
    checked
}

fn unique_indexes(ident: &syn::Ident) -> String {
    format!("`#[unique]` already indexes `{ident}`; remove `#[index]`")
}
