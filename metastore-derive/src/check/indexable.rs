//! A whole `#[derive(Indexable)]`: an enum without fields, or a struct with one.

use crate::check::{item, options::Options};
use crate::ctxt::{Ctxt, Reported};
use crate::model::{Indexable, IndexableForm};
use crate::raw::{self, Shape};

const MANUALLY: &str = "implement `Indexable` manually: `fn index_value(&self) -> IndexValue`";

/// Checks the type. The type checker checks the field's type.
pub(crate) fn indexable(cx: &Ctxt, raw: &raw::Indexable) -> Result<Indexable, Reported> {
    let options = Options::new(cx, "indexable", &["crate"], &raw.options);
    let krate = options.get("crate").and_then(|option| item::crate_path(cx, option).ok());
    let name = &raw.item.ident;
    let form = match (&raw.item.shape, raw.fields.as_slice()) {
        (Shape::Enum(_), _) => match raw.with_fields.first() {
            None => IndexableForm::Written,
            Some(variant) => {
                let message = format!(
                    "`{}` has fields, so `{name}` is no single value; {MANUALLY}",
                    variant.ident
                );
                return Err(cx.error(variant, message));
            }
        },
        (Shape::Named | Shape::Tuple, [(member, ty)]) => {
            IndexableForm::Field(member.clone(), Box::new(ty.clone()))
        }
        _ => {
            let message = format!(
                "`Indexable` can be derived for an enum without fields and for a struct with one field; \
                 for `{name}` {MANUALLY}"
            );
            return Err(cx.error(name, message));
        }
    };
    Ok(Indexable { ident: name.clone(), generics: raw.item.generics.clone(), krate, form })
}
