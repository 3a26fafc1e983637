//! Items: stored documents, and the targets of operations.

use std::fmt;
use std::ops::Deref;

use serde::Serialize;

use crate::document::header::Header;
use crate::document::unknown::UnknownFields;
use crate::key::{Actor, Id, InvalidId, ToId};
use crate::time::Timestamp;

/// One stored document with its id, version and times, as it was read or written.
///
/// Its fields can be read directly (`item.version`, `item.data.title`) but not changed: a change
/// goes through `update`, `modify` or `replace`. Fields in the stored document that `T` does not
/// know are kept by `update` and `modify`.
#[derive(Clone)]
pub struct Item<T> {
    fields: ItemFields<T>,
    /// The commit id of version 1, if this is not it.
    origin: Option<String>,
    unknown: UnknownFields,
}

/// The fields of an [`Item`].
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct ItemFields<T> {
    /// The id.
    pub id: Id,
    /// The version, counted from 1.
    pub version: u64,
    /// The id of the write that made this version, a ULID.
    pub commit: String,
    /// The number of the document's shape when it was written.
    pub schema: u32,
    /// When the item was created.
    pub created_at: Timestamp,
    /// When this version was written.
    pub updated_at: Timestamp,
    /// When the item expires; `None` if it does not. Reads and writes return it without a further
    /// round trip. An older version has the deadline of the time when it was superseded.
    pub expires_at: Option<Timestamp>,
    /// The actor that wrote this version, if one was set.
    pub actor: Option<Actor>,
    /// The owner: the user on whose behalf it was created, by
    /// [`Repo::as_user`](crate::Repo::as_user).
    pub owner: Option<Actor>,
    /// Whether the write that returned this item changed nothing and therefore stored nothing.
    pub unchanged: bool,
    /// The document.
    pub data: T,
}

impl<T> Item<T> {
    pub(crate) fn new(header: Header, data: T, unknown: UnknownFields) -> Self {
        let fields = ItemFields {
            updated_at: header.written(),
            id: header.id,
            version: header.version,
            commit: header.commit,
            schema: header.schema,
            created_at: header.created,
            expires_at: header.expires,
            actor: header.actor,
            owner: header.owner,
            unchanged: false,
            data,
        };
        Self { fields, origin: header.origin, unknown }
    }

    /// The commit id of version 1, which differs for each item that ever had this id.
    pub(crate) fn origin(&self) -> &str {
        self.origin.as_deref().unwrap_or(&self.fields.commit)
    }

    pub(crate) fn unknown(&self) -> &UnknownFields {
        &self.unknown
    }

    pub(crate) fn into_unchanged(mut self) -> Self {
        self.fields.unchanged = true;
        self
    }

    pub(crate) fn expiring(mut self, at: Option<Timestamp>) -> Self {
        self.fields.expires_at = at;
        self
    }

    /// An item that is not in any store, at version 1, to call a handler directly in a test.
    ///
    /// # Panics
    ///
    /// If the id is not valid.
    #[must_use]
    pub fn for_test(id: &str, data: T) -> Self {
        let id = Id::new(id).unwrap_or_else(|error| panic!("{error}"));
        let header = Header {
            version: 1,
            id,
            commit: String::new(),
            origin: None,
            expires: None,
            schema: 1,
            created: Timestamp::from_millis(0),
            updated: None,
            actor: None,
            owner: None,
        };
        Self::new(header, data, UnknownFields::None)
    }

    /// The same item with another document.
    pub(crate) fn try_map<U, E>(
        self,
        change: impl FnOnce(T) -> Result<U, E>,
    ) -> Result<Item<U>, E> {
        let Self { fields, origin, unknown } = self;
        let fields = ItemFields {
            data: change(fields.data)?,
            id: fields.id,
            version: fields.version,
            commit: fields.commit,
            schema: fields.schema,
            created_at: fields.created_at,
            updated_at: fields.updated_at,
            expires_at: fields.expires_at,
            actor: fields.actor,
            owner: fields.owner,
            unchanged: fields.unchanged,
        };
        Ok(Item { fields, origin, unknown })
    }

    /// Returns the document.
    #[must_use]
    pub fn into_data(self) -> T {
        self.fields.data
    }
}

impl<T> Deref for Item<T> {
    type Target = ItemFields<T>;

    fn deref(&self) -> &ItemFields<T> {
        &self.fields
    }
}

impl<T: fmt::Debug> fmt::Debug for Item<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.fields, f)
    }
}

impl<T: Serialize> Serialize for Item<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.fields.serialize(serializer)
    }
}

impl<T> ToId for Item<T> {
    fn to_id(&self) -> Result<Id, InvalidId> {
        Ok(self.id.clone())
    }
}

/// The header of a version, without its document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct VersionInfo {
    /// The version, counted from 1.
    pub version: u64,
    /// When it was written.
    pub written_at: Timestamp,
    /// The actor that wrote it, if one was set.
    pub actor: Option<Actor>,
    /// The id of the write that made it, a ULID.
    pub commit: String,
    /// The number of the document's shape when it was written.
    pub schema: u32,
}

impl From<Header> for VersionInfo {
    fn from(header: Header) -> Self {
        Self {
            written_at: header.written(),
            version: header.version,
            actor: header.actor,
            commit: header.commit,
            schema: header.schema,
        }
    }
}

/// The target of an operation: an id, or an [`Item`] that was read before.
///
/// With an [`Item`], a write needs no read first, and is refused if the stored item has changed
/// since.
pub struct Target<'a, T> {
    pub(crate) id: Result<Id, InvalidId>,
    pub(crate) item: Option<&'a Item<T>>,
}

impl<T> Clone for Target<'_, T> {
    fn clone(&self) -> Self {
        Self { id: self.id.clone(), item: self.item }
    }
}

/// Types that can be the target of an operation: `&item`, or anything that is [`ToId`] (an id,
/// text, an integer, …).
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not name an item of a collection of `{T}`",
    label = "expected `&Item<{T}>` or an id",
    note = "an item is borrowed: write `&item`; an item of another collection is not accepted; an id is an `Id`, text, an integer, or a `Uuid` with the feature `uuid`"
)]
pub trait ToTarget<'a, T> {
    /// The item.
    fn to_target(self) -> Target<'a, T>;
}

impl<'a, T> ToTarget<'a, T> for &'a Item<T> {
    fn to_target(self) -> Target<'a, T> {
        Target { id: Ok(self.id.clone()), item: Some(self) }
    }
}

impl<'a, T> ToTarget<'a, T> for Target<'a, T> {
    fn to_target(self) -> Target<'a, T> {
        self
    }
}

macro_rules! ids {
    ($($ty:ty)*) => {$(
        impl<'a, T> ToTarget<'a, T> for $ty {
            fn to_target(self) -> Target<'a, T> {
                Target { id: self.to_id(), item: None }
            }
        }

        impl<'a, T> ToTarget<'a, T> for &$ty {
            fn to_target(self) -> Target<'a, T> {
                Target { id: self.to_id(), item: None }
            }
        }
    )*};
}

ids! { Id String u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize }

#[cfg(feature = "uuid")]
ids! { uuid::Uuid }

impl<'a, T> ToTarget<'a, T> for &str {
    fn to_target(self) -> Target<'a, T> {
        Target { id: self.to_id(), item: None }
    }
}
