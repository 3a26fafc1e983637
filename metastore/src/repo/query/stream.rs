//! Reading all items of a query as a stream.

use futures_util::stream::{self, Stream, TryStreamExt as _};

use super::builder::Query;
use super::decode::decode;
use super::find::Projection;
use super::order::Sorting;
use crate::document::Document;
use crate::document::item::Item;
use crate::error::{Error, Result};

const OPERATION: &str = "find";

/// The number of items on each page that a stream reads.
const PAGE: usize = 200;

impl<'a, T: Document, O: Sorting> Query<'a, T, O> {
    /// All items from here on, read page by page while the stream is polled, so that memory stays
    /// bounded however many items there are. The limit does not apply; use `StreamExt::take`.
    ///
    /// One round trip for each 200 items. An item that exists from the beginning to the end of the
    /// stream is returned exactly once. An item whose document cannot be read is an error at its
    /// position, after which the stream continues; an error of the server ends the stream.
    ///
    /// ```no_run
    /// # use metastore::{Collection, Repo};
    /// # #[derive(Clone, serde::Serialize, serde::Deserialize, validator::Validate, Collection)]
    /// # #[collection(domain = "d", app = "a", name = "notes", object_type = texts)]
    /// # struct Note { title: String }
    /// # async fn example(notes: Repo<Note>) -> Result<(), metastore::Error> {
    /// use futures_util::TryStreamExt;
    ///
    /// let mut all = std::pin::pin!(notes.list().oldest_first().stream());
    /// while let Some(note) = all.try_next().await? {
    ///     println!("{}", note.data.title);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn stream(self) -> impl Stream<Item = Result<Item<T>>> + Send + 'a {
        let pages = stream::try_unfold(Some(self.limit(PAGE)), |query| async {
            let Some(query) = query else { return Ok::<_, Error>(None) };
            let mut rows = query.rows(Projection::Documents, OPERATION).await?;
            let position = rows.position.take();
            let address = query.repo.address();
            let items = rows.documents().map(|(id, found)| {
                decode(address, &id, found, OPERATION).map_err(|unreadable| unreadable.error)
            });
            let items = stream::iter(items.collect::<Vec<_>>());
            Ok(Some((items, position.map(|position| query.after_position(position)))))
        });
        pages.try_flatten()
    }
}
