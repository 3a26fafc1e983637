//! Mutations and transformations.

use syn::ext::IdentExt as _;
use syn::{Ident, Type};

use crate::check::{accessor_options, chain, ty};
use crate::ctxt::{Ctxt, Reported};
use crate::model::{Accessor, Name, Transformation};
use crate::raw::{self, AccessorKind};

/// Names that are taken, and by what.
const TAKEN: [(&str, &str); 7] = [
    ("id", "a method of every item's handle"),
    ("evaluate_all", "a method of every item's handle"),
    ("mutation", "a method of every item's handle"),
    ("transformation", "a method of every item's handle"),
    ("deref", "a method of every item's handle"),
    // Its constant would be a second one of the same name.
    ("schema", "the name of the collection's own constant `SCHEMA`"),
    // A method of the struct would hide the one of the trait.
    ("patch", "the function that starts an update, as in `Text::patch()`"),
];

/// Checks them in order; a wrong one is omitted.
pub(crate) fn accessors(cx: &Ctxt, raw: &raw::Collection) -> (Vec<Accessor>, Vec<Transformation>) {
    let mut seen: Vec<Seen> = Vec::new();
    let (mut mutations, mut transformations) = (Vec::new(), Vec::new());
    for found in &raw.accessors {
        let checked = accessor(cx, found, &raw.item.ident, &seen);
        let name = found.name.unraw().to_string();
        seen.push(Seen { kind: found.kind, name });
        match found.kind {
            AccessorKind::Mutation => {
                accessor_options::none(cx, found);
                mutations.extend(checked);
            }
            AccessorKind::Transformation => {
                let options = accessor_options::transformation(cx, found);
                let transformation = |accessor| Transformation { accessor, options };
                transformations.extend(checked.map(transformation));
            }
        }
    }
    chain::chains(cx, &mut transformations);
    (mutations, transformations)
}

struct Seen {
    kind: AccessorKind,
    name: String,
}

fn accessor(
    cx: &Ctxt,
    raw: &raw::Accessor,
    document: &Ident,
    seen: &[Seen],
) -> Result<Accessor, Reported> {
    let text = raw.name.unraw().to_string();
    let name = Name::new(&text).map_err(|message| cx.error(&raw.name, message));
    let result = result(cx, raw);
    unique(cx, raw, &text, seen)?;
    result?;
    let constant = Ident::new(&constant(&text), raw.name.span());
    Ok(Accessor { ident: raw.name.clone(), name: name?, constant, ty: ty::ty(&raw.ty, document) })
}

fn unique(cx: &Ctxt, raw: &raw::Accessor, name: &str, seen: &[Seen]) -> Result<(), Reported> {
    let word = raw.kind.word();
    if let Some((_, what)) = TAKEN.iter().find(|(taken, _)| *taken == name) {
        let message = format!("`{name}` is {what}; choose another name for the {word}");
        return Err(cx.error(&raw.name, message));
    }
    // A mutation and a transformation share the handle's methods, so a name is taken by either.
    if let Some(first) = seen.iter().find(|first| first.name == name) {
        let first = first.kind.word();
        let message = format!("there is already a {first} `{name}`; rename or remove this {word}");
        return Err(cx.error(&raw.name, message));
    }
    if let Some(first) = seen.iter().find(|first| constant(&first.name) == constant(name)) {
        let (kind, first, constant) = (first.kind.word(), &first.name, constant(name));
        let message = format!(
            "the {word} `{name}` and the {kind} `{first}` would both be the constant `{constant}`; \
             rename one"
        );
        return Err(cx.error(&raw.name, message));
    }
    Ok(())
}

fn constant(name: &str) -> String {
    name.to_ascii_uppercase()
}

/// The type checker checks result types, but it explains this case poorly.
fn result(cx: &Ctxt, raw: &raw::Accessor) -> Result<(), Reported> {
    match &raw.ty {
        Type::Reference(ty) => Err(cx.error(
            ty,
            format!(
                "the result of a {} is stored, so it cannot be a reference; \
                 return an owned type, such as `String` for `&str`",
                raw.kind.word()
            ),
        )),
        _ => Ok(()),
    }
}
