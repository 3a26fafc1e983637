//! Decoding of rows.

use super::builder::Query;
use super::order::Sorting;
use super::rows::Rows;
use crate::document::Document;
use crate::document::envelope;
use crate::document::item::Item;
use crate::error::{Error, ErrorKind};
use crate::key::Address;
use crate::redis::command::Reply;
use crate::repo::page::{Unreadable, warn_unreadable};

/// Decodes one row.
pub(crate) fn decode<T: Document>(
    address: &Address,
    id: &str,
    found: Reply,
    operation: &'static str,
) -> Result<Item<T>, Unreadable> {
    let key = address.latest_of(id);
    let item = match found {
        Reply::Data(json) => envelope::decode(&json, &key, operation),
        Reply::Int(0) => {
            let message =
                "the record of its index entries is damaged; run `repair()` to rewrite it";
            let (path, message) = ("index entries".to_owned(), message.to_owned());
            Err(Error::new(operation, ErrorKind::Decode { version: 0, path, message }).at(key))
        }
        _ => {
            let message = "expected a string".to_owned();
            Err(Error::new(operation, ErrorKind::WrongType(message)).at(key))
        }
    };
    item.map_err(|error| Unreadable { id: id.to_owned(), error })
}

impl<T: Document, O: Sorting> Query<'_, T, O> {
    /// Decodes all rows, and separates the items that cannot be read.
    pub(super) fn decode_all(
        &self,
        rows: Rows,
        operation: &'static str,
    ) -> (Vec<Item<T>>, Vec<Unreadable>) {
        let (mut items, mut unreadable) = (Vec::with_capacity(rows.len()), Vec::new());
        for (id, found) in rows.documents() {
            match decode(self.repo.address(), &id, found, operation) {
                Ok(item) => items.push(item),
                Err(error) => unreadable.push(error),
            }
        }
        warn_unreadable(&unreadable, operation);
        (items, unreadable)
    }
}
