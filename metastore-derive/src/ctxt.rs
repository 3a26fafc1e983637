//! Collects the errors of one derive, so that all of them are reported at once.

use std::cell::RefCell;
use std::fmt::Display;

use proc_macro2::TokenStream;
use quote::ToTokens;

/// The errors found so far.
#[derive(Default)]
pub(crate) struct Ctxt {
    errors: RefCell<Vec<syn::Error>>,
}

/// Proof that an error was reported: only [`Ctxt`] creates one, so a check cannot fail silently.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reported(());

impl Ctxt {
    /// Reports an error that underlines all of `tokens`.
    pub(crate) fn error(&self, tokens: impl ToTokens, message: impl Display) -> Reported {
        self.syn(syn::Error::new_spanned(tokens, message))
    }

    /// Reports an error of the parser.
    pub(crate) fn syn(&self, error: syn::Error) -> Reported {
        self.errors.borrow_mut().push(error);
        Reported(())
    }

    /// Every error as tokens; empty if there was none.
    pub(crate) fn into_errors(self) -> TokenStream {
        self.errors.into_inner().iter().map(syn::Error::to_compile_error).collect()
    }
}
