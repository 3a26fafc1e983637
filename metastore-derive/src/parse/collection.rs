//! The struct under `#[derive(Collection)]` and its attributes.

use syn::DeriveInput;

use crate::attr;
use crate::ctxt::Ctxt;
use crate::parse::{accessor, field, others, serde, upgrade};
use crate::raw::{AccessorKind, Collection};

/// An example of the attribute, for messages.
pub(crate) const USAGE: &str =
    "`#[collection(domain = \"…\", app = \"…\", name = \"…\", object_type = texts)]`";

/// Reads the struct.
pub(crate) fn collection(cx: &Ctxt, input: DeriveInput) -> Collection {
    let (item, attrs, fields) = super::item(input);
    let mut collection = Collection {
        item,
        attr: None,
        unreadable: None,
        options: Vec::new(),
        accessors: Vec::new(),
        upgrades: Vec::new(),
        serde: serde::container(&attrs),
        broken: others::broken(attrs.iter().chain(fields.iter().flat_map(|field| &field.attrs))),
        validate_context: others::context(&attrs),
        fields: Vec::new(),
    };
    for attr in &attrs {
        let path = attr.path();
        if path.is_ident("collection") {
            match attr::options(cx, attr, USAGE) {
                Ok(options) => collection.options.extend(options),
                Err(reported) => collection.unreadable = Some(reported),
            }
            collection.attr.get_or_insert_with(|| path.clone());
        } else if path.is_ident("mutation") {
            collection.accessors.extend(accessor::accessor(cx, attr, AccessorKind::Mutation));
        } else if path.is_ident("transformation") {
            collection.accessors.extend(accessor::accessor(cx, attr, AccessorKind::Transformation));
        } else if path.is_ident("upgrade") {
            collection.upgrades.push(upgrade::upgrade(cx, attr));
        } else if path.is_ident("index") || path.is_ident("unique") {
            let name = attr::name(attr);
            cx.error(path, format!("`#[{name}]` belongs on a field; move it to the one it is for"));
        }
    }
    collection.fields = fields.into_iter().filter_map(|found| field::field(cx, found)).collect();
    collection
}
