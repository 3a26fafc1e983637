//! From syntax to the raw model. What cannot be parsed is reported here and omitted;
//! [`check`](crate::check) validates the rest.

mod accessor;
mod collection;
mod field;
mod indexable;
mod others;
mod repository;
mod serde;
mod upgrade;

pub(crate) use collection::{USAGE, collection};
pub(crate) use indexable::indexable;
pub(crate) use repository::repository;

use syn::{Attribute, Data, DeriveInput, Fields};

use crate::raw::{Item, Shape};

/// The item, its attributes and its named fields.
fn item(input: DeriveInput) -> (Item, Vec<Attribute>, Vec<syn::Field>) {
    let (shape, fields) = match input.data {
        Data::Struct(data) => match data.fields {
            Fields::Named(fields) => (Shape::Named, fields.named.into_iter().collect()),
            Fields::Unnamed(_) => (Shape::Tuple, Vec::new()),
            Fields::Unit => (Shape::Unit, Vec::new()),
        },
        Data::Enum(data) => (Shape::Enum(data.enum_token), Vec::new()),
        Data::Union(data) => (Shape::Union(data.union_token), Vec::new()),
    };
    let item = Item { ident: input.ident, vis: input.vis, generics: input.generics, shape };
    (item, input.attrs, fields)
}
