//! What a wrong definition expands to: its errors, and enough of a collection that the code which
//! uses it does not break as well and bury them.

use proc_macro2::TokenStream;
use quote::quote;

use crate::expand;
use crate::model::{Item, Members};

/// The errors and whatever of the collection is sound.
pub(crate) fn collection(item: &Item, members: &Members, errors: &TokenStream) -> TokenStream {
    let schema = expand::nameless_schema(item, members);
    let implementation = expand::implementation(item, &schema, members, false);
    let members = expand::members(item, members);
    quote! { #errors #implementation #members }
}
