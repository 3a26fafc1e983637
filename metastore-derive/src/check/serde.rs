//! How serde shows a document in JSON, and whether it reads back what it wrote.

use quote::ToTokens as _;
use syn::Type;
use syn::ext::IdentExt as _;

use crate::case::Case;
use crate::ctxt::Ctxt;
use crate::raw::{Collection, Field, Rename, SerdeContainer};

/// Checks the attributes of the struct.
pub(crate) fn container(cx: &Ctxt, raw: &Collection) {
    // The envelope, the indexes and the patches all rely on a document being an object.
    if let Some(transparent) = &raw.serde.transparent {
        cx.error(
            transparent,
            "a document must be a JSON object; remove `transparent`, or make this a field",
        );
    }
}

/// The stored name of each field; `None` when it has none of its own.
pub(crate) fn names(cx: &Ctxt, raw: &Collection) -> Vec<Option<String>> {
    let mut names: Vec<Option<String>> = Vec::new();
    let mut told_of_all = false;
    for field in &raw.fields {
        reads_back(cx, &raw.serde, field);
        if field.serde.flatten.is_some() || field.serde.not_written.is_some() {
            names.push(None);
            continue;
        }
        let written = name(&raw.serde, field, |rename| rename.serialize.as_deref());
        let read = name(&raw.serde, field, |rename| rename.deserialize.as_deref());
        if written != read && !field.serde.aliases.contains(&written) && !field.serde.not_read {
            match (&field.serde.rename, &raw.serde.rename_all) {
                (Some(rename), _) => {
                    cx.error(
                        &rename.key,
                        two_names(&field.ident.to_string(), &written, &read),
                    );
                }
                // It holds for every field, so it is told of the first.
                (None, Some(rename_all)) if !told_of_all => {
                    let field = field.ident.to_string();
                    cx.error(&rename_all.key, two_names(&field, &written, &read));
                    told_of_all = true;
                }
                (None, _) => {}
            }
        }
        if names.iter().flatten().any(|name| *name == written) {
            let (ident, by) = (
                &field.ident,
                field.serde.rename.as_ref().map(|rename| &rename.key),
            );
            let at = by.map_or_else(|| ident.to_token_stream(), |key| key.to_token_stream());
            cx.error(
                at,
                format!("another field is already stored as `{written}`; rename one"),
            );
        }
        names.push(Some(written));
    }
    names
}

fn two_names(field: &str, written: &str, read: &str) -> String {
    format!(
        "`{field}` would be stored as `{written}` but read as `{read}`, so a stored document could \
         not be read back; use one name, or add `#[serde(alias = \"{written}\")]`"
    )
}

fn name(
    container: &SerdeContainer,
    field: &Field,
    side: impl Fn(&Rename) -> Option<&str>,
) -> String {
    if let Some(name) = field.serde.rename.as_ref().and_then(&side) {
        return name.to_owned();
    }
    let case = container
        .rename_all
        .as_ref()
        .and_then(side)
        .map_or(Case::Unchanged, Case::new);
    case.apply(&field.ident.unraw().to_string())
}

/// A field that is not always stored needs a value to take when it is read.
fn reads_back(cx: &Ctxt, container: &SerdeContainer, field: &Field) {
    let serde = &field.serde;
    let Some(left_out) = serde
        .not_written
        .as_ref()
        .or(serde.sometimes_written.as_ref())
    else {
        return;
    };
    let absent_is_none = is_option(&field.ty) && !serde.read_with;
    let readable = serde.not_read
        || serde.default
        || serde.flatten.is_some()
        || container.default
        || container.read_as_other
        || absent_is_none;
    if !readable {
        let ident = &field.ident;
        cx.error(
            left_out,
            format!(
                "`{ident}` may be missing in a stored document but is required when it is read; \
                 add `#[serde(default)]`"
            ),
        );
    }
}

/// As serde decides it: by the last segment, because a macro sees no types.
fn is_option(ty: &Type) -> bool {
    match ty {
        Type::Path(ty) => ty
            .path
            .segments
            .last()
            .is_some_and(|last| last.ident == "Option"),
        Type::Group(group) => is_option(&group.elem),
        Type::Paren(paren) => is_option(&paren.elem),
        _ => false,
    }
}
