//! `impl Indexable`, and `impl Ordered` for a struct whose field has an order.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::parse_quote_spanned;
use syn::spanned::Spanned as _;

use super::span::{marked, runtime_at};
use crate::model::{Indexable, IndexableForm};

/// The implementations.
pub(crate) fn indexable(model: &Indexable) -> TokenStream {
    let Indexable { ident, generics, krate, form } = model;
    let at = marked(ident.span());
    let runtime = runtime_at(krate.as_ref(), at);
    let (impl_generics, type_generics, clause) = generics.split_for_impl();
    match form {
        IndexableForm::Written => quote_spanned! {at=>
            #[automatically_derived]
            impl #impl_generics #runtime::Indexable for #ident #type_generics #clause {
                fn index_value(&self) -> #runtime::IndexValue {
                    #runtime::IndexValue::serialized(self)
                }
            }
        },
        IndexableForm::Field(member, ty) => {
            let at_type = marked(ty.span());
            let mut indexable = generics.clone();
            if !generics.params.is_empty() {
                let bound = parse_quote_spanned!(at_type=> #ty: #runtime::Indexable);
                indexable.make_where_clause().predicates.push(bound);
            }
            let clause = &indexable.where_clause;
            let mut ordered = generics.clone();
            // A bound with a lifetime may be false, which then only means that there is no order.
            let bound = parse_quote_spanned!(at_type=> for<'__a> #ty: #runtime::Ordered);
            ordered.make_where_clause().predicates.push(bound);
            let ordered = &ordered.where_clause;
            let value = quote_spanned!(at_type=> #runtime::Indexable::index_value(&self.#member));
            quote! {
                #[automatically_derived]
                impl #impl_generics #runtime::Indexable for #ident #type_generics #clause {
                    fn index_value(&self) -> #runtime::IndexValue {
                        #value
                    }
                }

                #[automatically_derived]
                impl #impl_generics #runtime::Ordered for #ident #type_generics #ordered {
                    fn order_value(&self) -> #runtime::IndexValue {
                        #runtime::Ordered::order_value(&self.#member)
                    }
                }
            }
        }
    }
}
