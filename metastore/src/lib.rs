//! Structured, versioned JSON documents on Redis or Valkey, defined by a derive.
//!
//! A struct with `#[derive(Collection)]` is the whole definition of a collection: its keys, its
//! validation, how long its items live, its mutations and transformations. A tour:
//!
//! - [`Collection`], [`Repository`]: the derives, and the trait behind them
//! - [`Store`], [`StoreOptions`]: a connection, also to an embedded server
//! - [`Repo`]: create, get, update, list, delete, versions, audit
//! - [`Item`], [`VersionInfo`]: what they give
//! - [`ItemMutation`]: inline functions of a document, run, stored and read back
//! - [`ItemTransformation`], [`Job`]: heavy work, queued here and done by `metastore-worker`
//! - [`Actions`]: all of it by name and over JSON, for handlers and tools
//! - [`Descriptor`]: what the catalog says of a collection, found by [`Store::domains`] and its kin
//! - [`Error`], [`ErrorKind`]: what can go wrong
//! - [`Id`], [`Key`], [`Address`]: what stands in Redis
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

mod actions;
mod audit;
mod batch;
mod catalog;
mod collection;
mod content;
mod cursor;
mod diff;
mod distinct;
mod enqueue;
mod envelope;
mod error;
mod field;
mod format;
mod handle;
mod head;
mod index;
mod inline;
mod item;
mod job;
mod json;
mod json_schema;
mod key;
mod many;
mod mutation;
mod named;
mod op;
mod page;
mod patch;
mod patch_json;
pub mod queue;
mod redis;
mod repo;
mod request;
mod requesting;
pub mod schema;
mod schema_lock;
mod set;
mod status;
mod store;
mod time;
mod transformation;
mod unknown;
mod upgrade;
mod validate;
mod violation;

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;

pub use actions::{Actions, Filter, Ordering, Selection};
pub use audit::{AuditEntry, AuditOperation, AuditPosition};
pub use batch::{Batch, DocumentFn};
pub use catalog::{Descriptor, FieldDescriptor, TransformationDescriptor};
pub use collection::Collection;
pub use cursor::Cursor;
pub use diff::Diff;
pub use enqueue::{EnqueueOptions, Priority};
pub use error::{Error, ErrorKind, Result};
pub use field::{
    ByRange, ByUnique, ByValue, ByWritten, Comparable, Condition, Field, FieldIndex, HasRange,
    IsUnique, OtherOperator,
};
pub use handle::ItemHandle;
pub use index::{IndexField, IndexValue, Indexable, ListField, Ordered, RangeField, SingleValue};
pub use item::{Item, ItemFields, Target, ToTarget, VersionInfo};
pub use job::{Job, JobWatch};
pub use json::text::Json;
pub use key::{
    Actor, Address, CatalogKey, Id, InvalidActor, InvalidId, InvalidName, Key, KeyKind, Name,
    Segment, ToActor, ToId,
};
pub use many::Many;
pub use metastore_derive::{Collection, Indexable, Repository};
pub use mutation::{Cached, ItemMutation, Mutation};
pub use named::{NamedField, NamedMutation};
pub use op::{
    Adopt, AdoptProblem, AdoptReport, Audit, AuditPage, CollectionStats, Estimate, IndexFailure,
    IndexReport, MemoryStats, Migrate, MigrationFailure, MigrationReport, NoOrderYet, Query,
    Reindex, Sorted, Sorting, Stats, TrimAll, TrimReport, Unsorted, Versions,
};
pub use page::{Items, Page, Unreadable};
pub use patch::{Patch, PatchValue, QueryValue};
pub use repo::{FromStore, Repo};
pub use request::ItemTransformation;
pub use schema_lock::assert_schema_lock;
pub use set::sorted;
pub use status::{JobState, JobStatus, Progress};
pub use store::{Store, StoreOptions};
pub use time::{InvalidTime, Timestamp};
pub use transformation::{StoredResult, Transformation};
pub use upgrade::Upgrade;
pub use violation::{Violation, Violations};
