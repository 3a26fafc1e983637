//! The struct under `#[derive(Repository)]`.

use syn::DeriveInput;

use crate::attr;
use crate::ctxt::Ctxt;
use crate::raw::Repository;

/// Reads the struct.
pub(crate) fn repository(cx: &Ctxt, input: DeriveInput) -> Repository {
    let (item, attrs, fields) = super::item(input);
    let options = attrs
        .iter()
        .filter(|attr| attr.path().is_ident("repository"))
        .flat_map(|attr| {
            attr::options(cx, attr, "`#[repository(crate = path)]`").unwrap_or_default()
        })
        .collect();
    let mut named = Vec::new();
    for field in fields {
        if let Some(attr) = field.attrs.iter().find(|attr| attr.path().is_ident("repository")) {
            cx.error(attr.path(), "`#[repository]` belongs on the struct; move it there");
        }
        named.extend(field.ident.map(|ident| (ident, field.ty)));
    }
    Repository { item, options, fields: named }
}
