//! The item under the derive: a struct with named fields and without generics.

use syn::{GenericParam, Ident, Path};

use crate::attr::{Opt, Value};
use crate::ctxt::{Ctxt, Reported};
use crate::model::Item;
use crate::raw::{self, Shape};

/// The derive, because the advice differs.
#[derive(Clone, Copy)]
pub(crate) enum Derive {
    Collection,
    Repository,
}

/// Checks the item and the path of the runtime crate.
pub(crate) fn item(
    cx: &Ctxt,
    raw: &raw::Item,
    derive: Derive,
    krate: Option<&Opt>,
) -> Result<Item, Reported> {
    let krate = krate.and_then(|option| crate_path(cx, option).ok());
    let shape = shape(cx, raw, derive);
    let generics = generics(cx, raw, derive);
    shape.and(generics)?;
    let (ident, vis) = (raw.ident.clone(), raw.vis.clone());
    Ok(Item { ident, vis, krate, patch: None, handle: None })
}

/// The path of a renamed runtime crate. If it is wrong, the usual one is used.
pub(crate) fn crate_path(cx: &Ctxt, option: &Opt) -> Result<Path, Reported> {
    match &option.value {
        Value::Path(path) => Ok(path.clone()),
        Value::Str(path) => {
            let path = path.value();
            let message = format!("write the path without quotes: `crate = {path}`");
            Err(cx.error(option.at(), message))
        }
        Value::Missing | Value::Int(_) | Value::Other(_) => {
            Err(cx.error(option.at(), "`crate` takes a path: `crate = ::metastore`"))
        }
    }
}

/// The name of a generated type, if set.
pub(crate) fn type_name(cx: &Ctxt, option: Option<&Opt>) -> Option<Ident> {
    let option = option?;
    match &option.value {
        Value::Path(path) if path.get_ident().is_some() => path.get_ident().cloned(),
        _ => {
            let key = &option.key;
            cx.error(
                option.at(),
                format!("`{key}` takes the name of a type, without quotes: `{key} = Name`"),
            );
            None
        }
    }
}

fn shape(cx: &Ctxt, raw: &raw::Item, derive: Derive) -> Result<(), Reported> {
    let name = &raw.ident;
    // A document is stored as a JSON object, which has named members and one shape.
    let (what, instead) = match derive {
        Derive::Collection => ("a document is a JSON object with named fields", "title: String"),
        Derive::Repository => ("a repository names its collections", "pub texts: Repo<Text>"),
    };
    match &raw.shape {
        Shape::Named => Ok(()),
        Shape::Tuple => Err(cx.error(
            name,
            format!("{what}; give the fields names: `struct {name} {{ {instead}, … }}`"),
        )),
        Shape::Unit => {
            Err(cx.error(name, format!("{what}; write `struct {name} {{ {instead}, … }}`")))
        }
        Shape::Enum(token) => Err(cx.error(token, not_a_struct(derive, "an enum", what))),
        Shape::Union(token) => Err(cx.error(token, not_a_struct(derive, "a union", what))),
    }
}

fn not_a_struct(derive: Derive, kind: &str, what: &str) -> String {
    match derive {
        Derive::Collection => format!(
            "`Collection` cannot be derived for {kind}: {what}; make it a field of a struct"
        ),
        Derive::Repository => {
            format!("`Repository` cannot be derived for {kind}: {what}; use a struct")
        }
    }
}

fn generics(cx: &Ctxt, raw: &raw::Item, derive: Derive) -> Result<(), Reported> {
    let mut checked = Ok(());
    for param in &raw.generics.params {
        let message = match (derive, param) {
            // The schema is one constant, and a type parameter in it would have many meanings.
            (Derive::Collection, GenericParam::Type(param)) => format!(
                "a collection has one document type, so it cannot have the type parameter `{}`; \
                 use a concrete type, or write a struct for each",
                param.ident
            ),
            (Derive::Collection, GenericParam::Const(param)) => format!(
                "a collection has one document type, so it cannot have the const parameter `{}`; \
                 use a fixed value, or write a struct for each",
                param.ident
            ),
            // What is read from the server cannot borrow from anything.
            (Derive::Collection, GenericParam::Lifetime(param)) => format!(
                "a stored document owns its data, so it cannot have the lifetime `{}`; \
                 use owned types, such as `String` for `&str`",
                param.lifetime
            ),
            (Derive::Repository, _) => {
                "a repository cannot be generic; name the collections it holds".to_owned()
            }
        };
        checked = Err(cx.error(param, message));
    }
    checked
}
