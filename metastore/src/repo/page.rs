//! The results of a query: the items that can be read, and those that cannot.

use std::fmt;
use std::ops::Deref;

use serde::ser::SerializeStruct as _;
use serde::{Serialize, Serializer};

use crate::document::item::Item;
use crate::error::Error;
use crate::store::cursor::Cursor;

/// The items of an awaited query, in order. It is a slice of items, and an iterator by value.
///
/// An item whose document cannot be read does not fail the query: it is in [`Items::unreadable`],
/// with the reason.
#[non_exhaustive]
pub struct Items<T> {
    items: Vec<Item<T>>,
    /// Items of the same page that cannot be read, each with its id and the reason.
    pub unreadable: Vec<Unreadable>,
}

/// One page of a list.
#[derive(Debug, Serialize)]
#[non_exhaustive]
pub struct Page<I> {
    /// The items on the page.
    pub items: Vec<I>,
    /// Items of the page that cannot be read, each with its id and the reason.
    pub unreadable: Vec<Unreadable>,
    /// The cursor of the next page; `None` if nothing follows.
    pub next: Option<Cursor>,
}

/// An item that cannot be read.
///
/// [`Repo::get_raw`](crate::Repo::get_raw) returns the stored bytes; `replace` or `delete` it by id
/// to fix it.
#[derive(Debug)]
#[non_exhaustive]
pub struct Unreadable {
    /// The id of the item, as it is stored.
    pub id: String,
    /// What is wrong, with the key of the document.
    pub error: Error,
}

impl<T> Items<T> {
    pub(crate) fn new(items: Vec<Item<T>>, unreadable: Vec<Unreadable>) -> Self {
        Self { items, unreadable }
    }

    /// Only the items.
    #[must_use]
    pub fn into_vec(self) -> Vec<Item<T>> {
        self.items
    }
}

impl<T> Deref for Items<T> {
    type Target = [Item<T>];

    fn deref(&self) -> &[Item<T>] {
        &self.items
    }
}

impl<T> IntoIterator for Items<T> {
    type Item = Item<T>;
    type IntoIter = std::vec::IntoIter<Item<T>>;

    fn into_iter(self) -> Self::IntoIter {
        self.items.into_iter()
    }
}

impl<'a, T> IntoIterator for &'a Items<T> {
    type Item = &'a Item<T>;
    type IntoIter = std::slice::Iter<'a, Item<T>>;

    fn into_iter(self) -> Self::IntoIter {
        self.items.iter()
    }
}

impl<T: fmt::Debug> fmt::Debug for Items<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Items")
            .field("items", &self.items)
            .field("unreadable", &self.unreadable)
            .finish()
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.id, self.error)
    }
}

impl Serialize for Unreadable {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Unreadable", 2)?;
        fields.serialize_field("id", &self.id)?;
        fields.serialize_field("error", &self.error.to_string())?;
        fields.end()
    }
}

/// Logs one warning for the items that a call leaves out.
pub(crate) fn warn_unreadable(unreadable: &[Unreadable], operation: &'static str) {
    if let Some(Unreadable { id, error }) = unreadable.first() {
        let count = unreadable.len();
        tracing::warn!(operation, id, %error, count, "items cannot be read and are left out");
    }
}
