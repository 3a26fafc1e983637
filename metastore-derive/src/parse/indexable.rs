//! The type under `#[derive(Indexable)]`.

use syn::{Data, DeriveInput, Fields, Member};

use crate::attr;
use crate::ctxt::Ctxt;
use crate::raw::{Indexable, Item, Shape};

/// Reads the type.
pub(crate) fn indexable(cx: &Ctxt, input: DeriveInput) -> Indexable {
    let options = input
        .attrs
        .iter()
        .filter(|attr| attr.path().is_ident("indexable"))
        .flat_map(|attr| {
            attr::options(cx, attr, "`#[indexable(crate = path)]`").unwrap_or_default()
        })
        .collect();
    let (mut fields, mut with_fields) = (Vec::new(), Vec::new());
    let shape = match input.data {
        Data::Struct(data) => {
            let shape = match &data.fields {
                Fields::Named(_) => Shape::Named,
                Fields::Unnamed(_) => Shape::Tuple,
                Fields::Unit => Shape::Unit,
            };
            let members: Vec<Member> = data.fields.members().collect();
            fields =
                members.into_iter().zip(data.fields.into_iter().map(|field| field.ty)).collect();
            shape
        }
        Data::Enum(data) => {
            let has_fields = |variant: &syn::Variant| !matches!(variant.fields, Fields::Unit);
            with_fields = data.variants.into_iter().filter(has_fields).collect();
            Shape::Enum(data.enum_token)
        }
        Data::Union(data) => Shape::Union(data.union_token),
    };
    let item = Item { ident: input.ident, vis: input.vis, generics: input.generics, shape };
    Indexable { item, options, fields, with_fields }
}
