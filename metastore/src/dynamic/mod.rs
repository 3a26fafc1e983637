//! The dynamic API: all operations by name and over JSON, for HTTP handlers and tools.

mod audit;
mod collection;
mod condition;
mod document;
mod erased;
mod history;
mod items;
mod lookup;
mod many;
mod mutations;
mod queries;
mod query;
mod transformations;
mod untyped;

use std::fmt;
use std::sync::Arc;

use crate::catalog::Descriptor;
use crate::collection::Collection;
use crate::error::{Error, ErrorKind, Result};
use crate::key::{Address, ToActor};
use crate::repo::{Repo, checked_actor};
use crate::store::Store;
use erased::ErasedCollection;

pub(crate) use collection::DynamicCollection;
pub use query::{DynamicQuery, Filter, SortOrder};

/// Collections that are called by name, with all their operations over JSON.
///
/// It is built from the types and used without them: arguments are [`Json`](crate::Json), which is
/// text or a `serde_json::Value`, results are [`Item<Json>`](crate::Item), with the validation, the
/// errors and the round trips of the typed [`Repo`]. What the compiler checks there is checked here
/// at run time: [`ErrorKind::UnknownName`] lists the existing collections, fields, mutations or
/// transformations, [`ErrorKind::InvalidJson`] says where the JSON does not match the type.
///
/// A collection is identified by its name (`texts`); if two apps have a collection of the same
/// name, by app and name (`textsplitter/texts`) or by its whole address
/// (`myapp/textsplitter/texts`).
///
/// Cloning is cheap. `#[derive(Repository)]` has a method `dynamic()` that returns one with its
/// collections.
///
/// ```
/// use metastore::{Dynamic, Collection, DynamicQuery, Store};
/// use serde::{Deserialize, Serialize};
/// use serde_json::json;
/// use validator::Validate;
///
/// #[derive(Clone, Serialize, Deserialize, Validate, Collection)]
/// #[collection(domain = "myapp", app = "notes", name = "notes", object_type = texts)]
/// #[mutation(length -> usize)]
/// struct Note {
///     #[validate(length(min = 1))]
///     title: String,
///     #[index]
///     topic: Option<String>,
/// }
///
/// impl Note {
///     fn length(&self) -> usize {
///         self.title.len()
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), metastore::Error> {
/// let dynamic = Dynamic::new().collection::<Note>(&Store::embedded().await?);
///
/// let note = dynamic.create_item("notes", json!({"title": "Milk", "topic": "food"})).await?;
/// let note = dynamic.update_item("notes", &note.id, json!({"topic": null})).await?;
/// assert_eq!(note.data, json!({"title": "Milk", "topic": null}));
/// assert_eq!(dynamic.run_mutation("notes", &note.id, "length").await?, 4);
///
/// let without = DynamicQuery::new().filter("topic", "is_none", ());
/// assert_eq!(dynamic.find_items("notes", &without).await?.items.len(), 1);
///
/// let error = dynamic.create_item("notes", json!({"title": ""})).await.unwrap_err();
/// assert_eq!(error.violations()[0].path, "title");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
pub struct Dynamic(Vec<Arc<dyn ErasedCollection>>);

impl Dynamic {
    /// Without collections.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the collection of a document type; no round trip.
    #[must_use]
    pub fn collection<T: Collection>(self, store: &Store) -> Self {
        self.with(&store.repo::<T>())
    }

    /// Adds a collection with its actor and owner. It replaces one with the same address.
    #[must_use]
    pub fn with<T: Collection>(self, repo: &Repo<T>) -> Self {
        self.with_erased(DynamicCollection::new(repo))
    }

    #[doc(hidden)]
    #[must_use]
    pub fn with_erased(mut self, collection: DynamicCollection) -> Self {
        self.0.retain(|other| other.address() != collection.0.address());
        self.0.push(collection.0);
        self
    }

    /// The same on behalf of a user, as [`Repo::as_user`].
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if the user's name is empty or too long, see [`Actor`](crate::Actor).
    pub fn as_user(&self, user: impl ToActor) -> Result<Self> {
        let user = checked_actor(&user, "as_user")?;
        Ok(Self(self.0.iter().map(|found| found.for_user(&user)).collect()))
    }

    /// The descriptors of its collections, as in the catalog, in the order in which they were
    /// added. No round trip.
    #[must_use]
    pub fn collections(&self) -> Vec<Descriptor> {
        self.0.iter().map(|found| found.descriptor()).collect()
    }

    /// The collection with this name.
    fn lookup(&self, name: &str, operation: &'static str) -> Result<&dyn ErasedCollection> {
        let mut matching = self.0.iter().filter(|found| is_named(found.address(), name));
        let Some(first) = matching.next() else {
            let known = self.0.iter().map(|found| self.shortest(found.address()));
            return Err(Error::unknown_name(operation, "collection", name, known));
        };
        let others: Vec<_> = matching.collect();
        if others.is_empty() {
            return Ok(&**first);
        }
        let all = std::iter::once(first).chain(others);
        let names: Vec<_> = all.map(|found| self.shortest(found.address())).collect();
        let message =
            format!("several collections are called `{name}`; use one of {}", names.join(", "));
        Err(Error::new(operation, ErrorKind::InvalidArgument(message)))
    }

    /// The shortest name that identifies this collection.
    fn shortest(&self, address: &Address) -> String {
        let whole = whole_name(address);
        let starts = whole.match_indices('/').map(|(at, _)| at + 1);
        let tails: Vec<_> = starts.map(|start| &whole[start..]).collect();
        let is_unique = |tail: &&&str| {
            self.0.iter().filter(|found| is_named(found.address(), tail)).count() == 1
        };
        tails.iter().rev().find(is_unique).map_or_else(|| whole.clone(), |tail| (*tail).to_owned())
    }
}

/// `domain/app/collection`.
fn whole_name(address: &Address) -> String {
    address.as_str().replace(':', "/")
}

fn is_named(address: &Address, name: &str) -> bool {
    let whole = whole_name(address);
    whole == name
        || whole.strip_suffix(name).is_some_and(|rest| !name.is_empty() && rest.ends_with('/'))
}

impl fmt::Debug for Dynamic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.0.iter().map(|found| found.address());
        f.debug_list().entries(names).finish()
    }
}
