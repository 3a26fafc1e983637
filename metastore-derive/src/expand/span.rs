//! The spans of generated code.
//!
//! A type or a method that the user named keeps its own span, so that the compiler's message about
//! it points there. An item that the macro defines has the user's span too, but resolved at the
//! macro, so that lints know that the user did not write it.

use proc_macro2::{Span, TokenStream};
use quote::quote_spanned;
use syn::{Ident, Path, Visibility};

use crate::model::Item;

/// A span at the user's token resolved at the macro.
pub(crate) fn marked(span: Span) -> Span {
    span.resolved_at(Span::call_site())
}

/// An identifier at the user's token resolved at the macro.
pub(crate) fn marked_ident(ident: &Ident) -> Ident {
    let mut ident = ident.clone();
    ident.set_span(marked(ident.span()));
    ident
}

/// A visibility resolved at the macro.
pub(crate) fn marked_vis(vis: &Visibility) -> Visibility {
    let mut vis = vis.clone();
    match &mut vis {
        Visibility::Public(token) => token.span = marked(token.span),
        Visibility::Restricted(restricted) => {
            restricted.pub_token.span = marked(restricted.pub_token.span);
        }
        Visibility::Inherited => {}
    }
    vis
}

/// The path of the runtime's module for generated code, at `span`.
pub(crate) fn runtime(item: &Item, span: Span) -> TokenStream {
    runtime_at(item.krate.as_ref(), span)
}

/// The same by the path of the runtime crate, if it is not `::metastore`.
pub(crate) fn runtime_at(krate: Option<&Path>, span: Span) -> TokenStream {
    match krate {
        None => quote_spanned!(span=> ::metastore::__private),
        Some(krate) => quote_spanned!(span=> #krate::__private),
    }
}
