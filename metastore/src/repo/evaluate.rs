//! Running several mutations and closures over one read of a document.

use crate::document::Document;
use crate::document::mutation::Mutation;
use crate::error::Result;
use crate::repo::handle::ItemHandle;

/// One function of a document: a [`Mutation`], or a closure such as
/// `|text: &Text| text.name.len()`.
pub trait DocumentFn<T> {
    /// The result.
    type Output;

    /// Calls it.
    fn call(self, document: &T) -> Self::Output;
}

impl<T, R> DocumentFn<T> for Mutation<T, R> {
    type Output = R;

    fn call(self, document: &T) -> R {
        self.apply(document)
    }
}

impl<T, R, F: FnOnce(&T) -> R> DocumentFn<T> for F {
    type Output = R;

    fn call(self, document: &T) -> R {
        self(document)
    }
}

/// Several functions of a document: a tuple of up to eight.
pub trait DocumentFns<T> {
    /// The results, in the order of the functions.
    type Output;

    /// Calls them all.
    fn call(self, document: &T) -> Self::Output;
}

macro_rules! tuple {
    ($($function:ident)+) => {
        impl<T, $($function: DocumentFn<T>),+> DocumentFns<T> for ($($function,)+) {
            type Output = ($($function::Output,)+);

            #[allow(non_snake_case, reason = "the type parameters also name the variables")]
            fn call(self, document: &T) -> Self::Output {
                let ($($function,)+) = self;
                ($($function.call(document),)+)
            }
        }
    };
}

tuple!(A);
tuple!(A B);
tuple!(A B C);
tuple!(A B C D);
tuple!(A B C D E);
tuple!(A B C D E F);
tuple!(A B C D E F G);
tuple!(A B C D E F G H);

impl<T: Document> ItemHandle<'_, T> {
    /// Runs several mutations and closures on the same version of the document.
    ///
    /// One round trip; none if the handle has the item.
    ///
    /// ```no_run
    /// # use metastore::{Collection, Repo};
    /// # #[derive(Clone, serde::Serialize, serde::Deserialize, validator::Validate, Collection)]
    /// # #[collection(domain = "d", app = "a", name = "texts", object_type = texts)]
    /// # #[mutation(wordcount -> usize)]
    /// # struct Text { content: String }
    /// # impl Text { fn wordcount(&self) -> usize { 0 } }
    /// # async fn example(texts: Repo<Text>) -> Result<(), metastore::Error> {
    /// let (words, longest) = texts
    ///     .item("abc123")
    ///     .evaluate_all((Text::WORDCOUNT, |text: &Text| {
    ///         text.content.lines().map(str::len).max()
    ///     }))
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// `NotFound`, and as [`Repo::get`](crate::Repo::get).
    pub async fn evaluate_all<F: DocumentFns<T>>(&self, functions: F) -> Result<F::Output> {
        self.with_item("evaluate_all", |item| functions.call(&item.data)).await
    }
}
