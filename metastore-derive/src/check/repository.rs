//! A whole `#[derive(Repository)]`.

use crate::check::{item, options::Options, ty};
use crate::ctxt::{Ctxt, Reported};
use crate::model::Repository;
use crate::raw;

/// Checks the repository. The type checker checks the types of the fields.
pub(crate) fn repository(cx: &Ctxt, raw: &raw::Repository) -> Result<Repository, Reported> {
    let options = Options::new(cx, "repository", &["crate"], &raw.options);
    let item = item::item(cx, &raw.item, item::Derive::Repository, options.get("crate"))?;
    // It would connect without a collection.
    if raw.fields.is_empty() {
        cx.error(
            &raw.item.ident,
            "a repository holds at least one collection; add a field, such as \
             `pub texts: Repo<Text>`",
        );
    }
    let field = |(ident, found)| (ident, ty::ty(found, &raw.item.ident));
    let fields = raw.fields.iter().map(|(ident, found)| (ident.clone(), found)).map(field);
    Ok(Repository { item, fields: fields.collect() })
}
