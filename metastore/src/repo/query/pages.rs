//! Reading a query: items, a page, a page of ids, all pages.

use std::future::{Future, IntoFuture};
use std::pin::Pin;

use futures_util::stream::{self, Stream};

use super::builder::Query;
use super::find::Projection;
use super::order::Sorting;
use crate::document::Document;
use crate::document::item::Item;
use crate::error::{Error, ErrorKind, Result};
use crate::key::Id;
use crate::repo::page::{Items, Page, Unreadable, warn_unreadable};

const OPERATION: &str = "find";

impl<'a, T: Document, O: Sorting> Query<'a, T, O> {
    /// Reads one page, with the cursor of the next one. The page ends early after 64 MiB of
    /// documents. Items whose documents cannot be read are in [`Page::unreadable`], and one warning
    /// is logged.
    ///
    /// One round trip, one more for each 4 MiB of documents, and another one for the first cursor
    /// that the store creates or checks.
    ///
    /// # Errors
    ///
    /// `IndexIncomplete` for an index that was added to a collection with items and is not filled
    /// yet; `InvalidArgument` for a limit or an offset out of range or a cursor of another query;
    /// `Unindexable` for a value that cannot be indexed.
    pub async fn page(self) -> Result<Page<Item<T>>> {
        let rows = self.rows(Projection::Documents, OPERATION).await?;
        let next = self.next_cursor(&rows, OPERATION).await?;
        let (items, unreadable) = self.decode_all(rows, OPERATION);
        Ok(Page { items, unreadable, next })
    }

    /// Reads one page of ids, without the documents.
    ///
    /// # Errors
    ///
    /// As [`Query::page`].
    pub async fn ids(self) -> Result<Page<Id>> {
        let rows = self.rows(Projection::Ids, OPERATION).await?;
        let next = self.next_cursor(&rows, OPERATION).await?;
        let (mut items, mut unreadable) = (Vec::with_capacity(rows.len()), Vec::new());
        for id in rows.rows {
            let id = id.into_data().unwrap_or_default();
            let id = String::from_utf8_lossy(&id);
            match Id::new(&id) {
                Ok(id) => items.push(id),
                Err(invalid) => {
                    let error = Error::from(invalid).during(OPERATION);
                    unreadable.push(Unreadable { id: id.into_owned(), error });
                }
            }
        }
        warn_unreadable(&unreadable, OPERATION);
        Ok(Page { items, unreadable, next })
    }

    /// Reads all pages from here on, each of as many items as the limit says.
    ///
    /// One round trip a page, and another one for the first cursor that the store creates or
    /// checks.
    pub fn pages(self) -> impl Stream<Item = Result<Page<Item<T>>>> + Send + 'a {
        stream::try_unfold(Some(self), |query| async {
            let Some(query) = query else { return Ok(None) };
            let mut rows = query.rows(Projection::Documents, OPERATION).await?;
            let next = query.next_cursor(&rows, OPERATION).await?;
            let position = rows.position.take();
            let (items, unreadable) = query.decode_all(rows, OPERATION);
            let page = Page { items, unreadable, next };
            Ok(Some((page, position.map(|position| query.after_position(position)))))
        })
    }

    /// Reads one page without a cursor.
    async fn items(self) -> Result<Items<T>> {
        let rows = self.rows(Projection::Documents, OPERATION).await?;
        if let Some(bytes) = rows.over_limit {
            let (read, mib) = (rows.len(), bytes >> 20);
            let message = format!(
                "limit is {}, but the first {read} items already have {mib} MiB: set a smaller limit, or \
                 use `page()` or `stream()`, which split the result",
                self.limit
            );
            return Err(Error::new(OPERATION, ErrorKind::InvalidArgument(message)));
        }
        let (items, unreadable) = self.decode_all(rows, OPERATION);
        Ok(Items::new(items, unreadable))
    }
}

impl<'a, T: Document, O: Sorting> IntoFuture for Query<'a, T, O> {
    type Output = Result<Items<T>>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.items())
    }
}
