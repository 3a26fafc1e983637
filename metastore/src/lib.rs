//! Structured, versioned JSON documents on Redis or Valkey, defined by a derive.
//!
//! A struct with `#[derive(Collection)]` defines a collection: its keys, its validation, how long
//! its items live, its mutations and transformations. An overview:
//!
//! - [`Collection`], [`Repository`]: the derives, and the trait behind them
//! - [`Store`], [`StoreOptions`]: a connection, also to an embedded server
//! - [`Repo`]: create, get, update, list, delete, versions, audit
//! - [`Item`], [`VersionInfo`]: what they return
//! - [`ItemMutation`]: inline functions of a document: run, stored and read
//! - [`ItemTransformation`], [`Job`]: heavy work, queued here and run by `metastore-worker`
//! - [`Dynamic`]: every operation by name and over JSON, for handlers and tools
//! - [`Descriptor`]: a collection in the catalog, found by [`Store::domains`] and related methods
//! - [`Error`], [`ErrorKind`]: errors
//! - [`guide`]: guides by subject
//! - [`Id`], [`Key`], [`Address`]: the keys in Redis
//!
//! ```
//! use metastore::{Collection, Repo, Repository};
//! use serde::{Deserialize, Serialize};
//! use validator::Validate;
//!
//! #[derive(Clone, Debug, Serialize, Deserialize, Validate, Collection)]
//! #[collection(domain = "myapp", app = "textsplitter", name = "texts", object_type = texts)]
//! #[mutation(wordcount -> usize)]
//! pub struct Text {
//!     #[validate(length(min = 1))]
//!     pub name: String,
//!     pub content: String,
//! }
//!
//! impl Text {
//!     fn wordcount(&self) -> usize {
//!         self.content.split_whitespace().count()
//!     }
//! }
//!
//! #[derive(Repository)]
//! pub struct MyRepo {
//!     pub texts: Repo<Text>,
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), metastore::Error> {
//! // `MyRepo::connect("redis://127.0.0.1:6379")` for a server of your own.
//! let repo = MyRepo::with_store(&metastore::Store::embedded().await?);
//!
//! let text = Text { name: "greeting".into(), content: "hello world".into() };
//! let item = repo.texts.create(text).await?;
//! let item = repo.texts.update(&item, Text::patch().content("hello, whole world")).await?;
//! assert_eq!(item.version, 2);
//!
//! assert_eq!(repo.texts.item(&item.id).wordcount().run().await?, 3);
//! let first = repo.texts.get_version(&item.id, 1).await?.expect("versions are kept");
//! assert_eq!(first.data.content, "hello world");
//! # Ok(())
//! # }
//! ```

mod admin;
mod audit;
mod catalog;
mod collection;
mod document;
mod dynamic;
mod error;
#[allow(clippy::test_attr_in_doctest, reason = "the guides show tests of users")]
pub mod guide;
mod index;
mod job;
mod json;
mod key;
mod redis;
mod repo;
mod repository;
pub mod schema;
mod store;
mod time;

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;

pub use admin::{
    CollectionStats, Estimate, Import, ImportFailure, ImportReport, IndexFailure, IndexReport,
    MemoryStats, Migrate, MigrationFailure, MigrationReport, Reindex, Stats, TrimAll, TrimReport,
};
pub use audit::{AuditEntry, AuditOperation, AuditPosition};
pub use catalog::{Descriptor, FieldDescriptor, TransformationDescriptor};
pub use collection::Collection;
pub use document::Document;
pub use document::diff::Diff;
pub use document::item::{Item, ItemFields, Target, ToTarget, VersionInfo};
pub use document::mutation::{DynamicMutation, Mutation};
pub use document::patch::Patch;
pub use document::set::sorted;
pub use document::transformation::{StoredResult, Transformation};
pub use document::upgrade::Upgrade;
pub use dynamic::{Dynamic, DynamicQuery, Filter, SortOrder};
pub use error::{Error, ErrorKind, Result, Violation, Violations};
pub use index::{
    ByJson, ByRange, ByUnique, ByValue, Comparable, Condition, DynamicField, Field, FieldIndex,
    HasRange, IndexField, IndexValue, Indexable, IsUnique, ListField, Ordered, OtherOperator,
    PatchValue, QueryValue, RangeField, SingleValue,
};
pub use job::fatal::Fatal;
pub use job::handle::Job;
pub use job::item_transformation::ItemTransformation;
pub use job::options::{EnqueueOptions, Priority};
pub use job::queue;
pub use job::status::{JobState, JobStatus, Progress};
pub use job::watch::JobWatch;
pub use json::text::Json;
pub use key::{
    Actor, Address, CatalogKey, Id, InvalidActor, InvalidId, InvalidName, Key, KeyKind, Name,
    Segment, ToActor, ToId,
};
pub use metastore_derive::{Collection, Indexable, Repository};
pub use repo::Repo;
pub use repo::audit::{Audit, AuditPage};
pub use repo::bulk::Bulk;
pub use repo::evaluate::{DocumentFn, DocumentFns};
pub use repo::handle::ItemHandle;
pub use repo::history::Versions;
pub use repo::mutation::{Cached, ItemMutation};
pub use repo::page::{Items, Page, Unreadable};
pub use repo::query::{NoOrderYet, Query, Sorted, Sorting, Unsorted};
pub use repository::FromStore;
pub use schema::lock::assert_schema_lock;
pub use store::cursor::Cursor;
pub use store::{Store, StoreOptions};
pub use time::{InvalidTime, Timestamp};
