//! The derives of metastore. Depend on `metastore`, which exports them, and not on this crate.
//!
//! A derive is a pipeline: `parse` turns syntax into the `raw` model, `check` turns that into the
//! checked `model` and reports every mistake at once, `expand` turns the model into code and cannot
//! fail. After a mistake `fallback` keeps the rest of the user's code meaningful.

mod attr;
mod case;
mod check;
mod ctxt;
mod derive;
mod duration;
mod expand;
mod fallback;
mod model;
mod name;
mod parse;
mod raw;
mod suggest;
#[cfg(test)]
mod tests;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

/// Makes a struct the whole definition of a collection.
///
/// ```
/// use metastore::Collection;
/// use serde::{Deserialize, Serialize};
/// use validator::Validate;
///
/// #[derive(Clone, Serialize, Deserialize, Validate, Collection)]
/// #[collection(domain = "myapp", app = "textsplitter", name = "texts", object_type = texts)]
/// #[mutation(wordcount -> usize)]
/// #[transformation(summarize -> Summary, timeout = "30s", retries = 3)]
/// pub struct Text {
///     #[validate(length(min = 1))]
///     pub name: String,
///     #[index]
///     pub language: Option<String>,
/// }
///
/// #[derive(Serialize, Deserialize)]
/// pub struct Summary {
///     pub sentences: Vec<String>,
/// }
///
/// impl Text {
///     fn wordcount(&self) -> usize {
///         self.name.split_whitespace().count()
///     }
/// }
/// ```
///
/// It implements `Collection` and defines a patch (`TextPatch`, with a setter for each field), a
/// handle (`TextHandle`, with a method for each mutation and transformation), and a constant for
/// each of these (`Text::WORDCOUNT`) and for each index. JSON names follow serde's `rename` and `rename_all`.
///
/// # On the struct
///
/// | attribute | meaning |
/// |---|---|
/// | `#[collection(domain = "…", app = "…", name = "…")]` | the first segments of every key; required |
/// | `object_type = config`, `settings`, `state` or `texts` | what the items are, and so how long they live; required |
/// | `schema = 2` | the number of the document's shape, stored with each version; 1 unless given |
/// | `ttl = "10m"` or `ttl = none` | how long an item lives, whatever its type: `ms`, `s`, `m`, `h`, `d` or `w` |
/// | `ttl_on_update = reset` or `keep` | whether an update starts the time to live again; it does unless told otherwise |
/// | `keep = 100` | how many versions of an item are kept, with the current one; all unless given |
/// | `keep_for = "90d"` | how long a version is kept once it is superseded; for ever unless given |
/// | `audit = on` or `off` | whether writes are audited; the store decides unless given |
/// | `json_schema` | the catalog is to hold a JSON Schema of the document; needs the feature `schemars` of metastore, and the document to be `schemars::JsonSchema` |
/// | `patch = Name`, `handle = Name` | what the generated types are called, where `TextPatch` or `TextHandle` is a type of your own |
/// | `crate = path` | where the runtime is, if it was renamed |
/// | `#[mutation(name -> Type)]` | a pure function of a document, `fn name(&self) -> Type` of the struct |
/// | `#[transformation(name -> Type)]` | work that a worker does and whose result is stored |
/// | `#[upgrade(1 -> 2, with = function)]` | how a stored document of one schema number becomes one of the next, by a `fn(&mut serde_json::Map<String, Value>) -> Result<(), E>`; one for each step from 1 to `schema` |
/// | `timeout = "30s"` | how long one run of a transformation may take; the worker's own unless given |
/// | `retries = 3` | how often a failed run is repeated; the worker's own unless given |
/// | `retry_delay = "5s"` | the pause before the first repetition, doubled each time; the worker's own unless given |
/// | `result_ttl = "7d"` | how long a result lives; as long as its item unless given |
/// | `mode = worker` or `inline` | who runs it: a worker, or the caller by `run_with`; a worker unless given |
/// | `after = extract` | it is requested when that transformation finishes, in the same atomic step |
/// | `on = create, update` | it is requested by each new item, each new version, or both, in the same atomic step |
///
/// # On a field
///
/// | attribute | meaning |
/// |---|---|
/// | `#[index]` | items are found by the field's value: of a type that is `Indexable` (text, numbers, times, enums and newtypes with `#[derive(Indexable)]`, …), an option of one, or a list |
/// | `#[index(range)]` | they are found between two values, too, in the order of the type, which must be `Ordered`: numbers, times, text, … |
/// | `#[unique]` | at most one item has the value, and it is found by it; `None` may be shared |
///
/// Each of them defines a constant for queries, such as `Text::LANGUAGE`. Indexes are kept in the same
/// atomic step as the document, by the value of the field itself: serde's names, `from` and `into` make no
/// difference. A field that serde writes by `with` or `serialize_with` can have any type: with `#[index]` or
/// `#[unique]`, what the function writes is compared, which must be text, a number or a boolean; with
/// `#[index(range)]` the field's type decides.
#[proc_macro_derive(
    Collection,
    attributes(collection, mutation, transformation, upgrade, index, unique)
)]
pub fn derive_collection(input: TokenStream) -> TokenStream {
    derive::collection(parse_macro_input!(input as DeriveInput)).into()
}

/// Lets an index hold a type of your own: an enum without fields, as serde writes it, or a struct with one
/// field, as that field.
///
/// ```
/// use metastore::Indexable;
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Clone, Serialize, Deserialize, Indexable)]
/// #[serde(rename_all = "kebab-case")]
/// enum State {
///     New,
///     OnItsWay,
/// }
///
/// /// Found by equality and, since numbers have an order, by range.
/// #[derive(Clone, Serialize, Deserialize, Indexable)]
/// struct Cents(i64);
/// ```
///
/// A struct whose field is `Ordered` is `Ordered`, too. `#[indexable(crate = path)]` says where the runtime
/// is, if it was renamed. What stands in the index is the value itself, whatever serde makes of the struct.
#[proc_macro_derive(Indexable, attributes(indexable))]
pub fn derive_indexable(input: TokenStream) -> TokenStream {
    derive::indexable(parse_macro_input!(input as DeriveInput)).into()
}

/// Groups collections that share a connection.
///
/// ```no_run
/// # use metastore::Collection;
/// # use serde::{Deserialize, Serialize};
/// # use validator::Validate;
/// # #[derive(Clone, Serialize, Deserialize, Validate, Collection)]
/// # #[collection(domain = "myapp", app = "notes", name = "notes", object_type = texts)]
/// # pub struct Note { pub title: String }
/// # #[derive(Clone, Serialize, Deserialize, Validate, Collection)]
/// # #[collection(domain = "myapp", app = "login", name = "sessions", object_type = state)]
/// # pub struct Session { pub user: String }
/// use metastore::{Repo, Repository};
///
/// #[derive(Repository)]
/// pub struct MyRepo {
///     pub notes: Repo<Note>,
///     pub sessions: Repo<Session>,
/// }
///
/// # async fn example() -> Result<(), metastore::Error> {
/// let repo = MyRepo::connect("redis://127.0.0.1:6379").await?;
/// # Ok(())
/// # }
/// ```
///
/// Every field is a `Repo`. It defines `connect`, which opens a connection and enters the collections
/// into the server's catalog; `with_store`, which uses a connection that is open; and `register`, which
/// enters them into the catalog by itself. `#[repository(crate = path)]` says where the runtime is, if it was renamed.
#[proc_macro_derive(Repository, attributes(repository))]
pub fn derive_repository(input: TokenStream) -> TokenStream {
    derive::repository(parse_macro_input!(input as DeriveInput)).into()
}
