//! A field of a collection and its attributes.

use syn::{Attribute, Meta};

use crate::attr::{self, Value};
use crate::ctxt::{Ctxt, Reported};
use crate::parse::serde;
use crate::raw::{Field, Index, IndexKind};

/// Reads a field; `None` for one without a name, which only a tuple struct has.
pub(crate) fn field(cx: &Ctxt, field: syn::Field) -> Option<Field> {
    let mut indexes = Vec::new();
    for attr in &field.attrs {
        let path = attr.path();
        if path.is_ident("index") || path.is_ident("unique") {
            let kind = if path.is_ident("index") { index(cx, attr) } else { unique(cx, attr) };
            indexes.extend(kind.map(|kind| Index { attr: path.clone(), kind }));
        } else if path.is_ident("collection")
            || path.is_ident("mutation")
            || path.is_ident("transformation")
            || path.is_ident("upgrade")
        {
            let name = attr::name(attr);
            cx.error(path, format!("`#[{name}]` belongs on the struct; move it there"));
        }
    }
    let serde = serde::field(&field.attrs);
    field.ident.map(|ident| Field { ident, vis: field.vis, ty: field.ty, indexes, serde })
}

fn index(cx: &Ctxt, attr: &Attribute) -> Result<IndexKind, Reported> {
    const USAGE: &str = "`#[index]` or `#[index(range)]`";

    let options = match &attr.meta {
        Meta::Path(_) => return Ok(IndexKind::Equality),
        _ => attr::options(cx, attr, USAGE)?,
    };
    match options.as_slice() {
        [option] if option.key == "range" && matches!(option.value, Value::Missing) => {
            Ok(IndexKind::Range)
        }
        [option, ..] => Err(cx.error(&option.key, format!("unknown index; write {USAGE}"))),
        [] => Err(cx.error(&attr.meta, format!("expected {USAGE}"))),
    }
}

fn unique(cx: &Ctxt, attr: &Attribute) -> Result<IndexKind, Reported> {
    match &attr.meta {
        Meta::Path(_) => Ok(IndexKind::Unique),
        meta => Err(cx.error(meta, "`#[unique]` takes no options; write it alone")),
    }
}
