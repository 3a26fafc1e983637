//! The derives of metastore. Depend on `metastore`, which exports them, and not on this crate.
//!
//! A derive is a pipeline: `parse` turns syntax into the `raw` model, `check` turns that into the
//! checked `model` and reports every mistake at once, `expand` turns the model into code and cannot
//! fail. After a mistake `fallback` keeps the rest of the user's code compiling.

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

/// Defines a collection by a struct.
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
/// It implements `Document` and `Collection` and defines a patch (`TextPatch`, with a setter for
/// each field), a handle (`TextHandle`, with a method for each mutation and transformation), a
/// constant for each of these (`Text::WORDCOUNT`) and for each index, and the schema
/// (`Text::SCHEMA`). JSON names follow serde's `rename` and `rename_all`.
///
/// # On the struct
///
/// | attribute | meaning |
/// |---|---|
/// | `#[collection(domain = "…", app = "…", name = "…")]` | the first segments of every key; required |
/// | `object_type = config`, `settings`, `state` or `texts` | the kind of the items, which determines their time to live; required |
/// | `schema = 2` | the schema number, stored with each version; default 1 |
/// | `ttl = "10m"` or `ttl = none` | the time to live of an item, overriding its object type: `ms`, `s`, `m`, `h`, `d` or `w` |
/// | `ttl_on_update = reset` or `keep` | whether an update restarts the time to live; default `reset` |
/// | `keep = 100` | how many versions of an item are kept, including the current one; default all |
/// | `keep_for = "90d"` | how long a version is kept once it is superseded; default forever |
/// | `audit = on` or `off` | whether writes are audited; default the setting of the store |
/// | `json_schema` | stores a JSON Schema of the document in the catalog; needs the feature `schemars` of metastore, and `schemars::JsonSchema` for the document |
/// | `patch = Name`, `handle = Name` | the names of the generated types, if `TextPatch` or `TextHandle` is taken |
/// | `crate = path` | the path of the crate `metastore`, if it was renamed |
/// | `#[mutation(name -> Type)]` | a pure function of a document, `fn name(&self) -> Type` of the struct |
/// | `#[transformation(name -> Type)]` | work that a worker does; its result is stored |
/// | `#[upgrade(1 -> 2, with = function)]` | upgrades a stored document from one schema number to the next, by a `fn(&mut serde_json::Map<String, Value>) -> Result<(), E>`; one for each step from 1 to `schema` |
/// | `timeout = "30s"` | the time limit of one run of a transformation; default the setting of the worker |
/// | `retries = 3` | how often a failed run is retried; default the setting of the worker |
/// | `retry_delay = "5s"` | the pause before the first retry, doubled for each further one; default the setting of the worker |
/// | `result_ttl = "7d"` | the time to live of a result; default as long as its item |
/// | `mode = worker` or `inline` | who runs it: a worker, or the caller by `run_with`; default `worker` |
/// | `after = extract` | requests it when that transformation finishes, in the same atomic step |
/// | `on = create, update` | requests it with each new item, each new version, or both, in the same atomic step |
///
/// # On a field
///
/// | attribute | meaning |
/// |---|---|
/// | `#[index]` | items are found by the field's value: of a type that is `Indexable` (text, numbers, times, enums and newtypes with `#[derive(Indexable)]`, …), an option of one, or a list |
/// | `#[index(range)]` | they are also found between two values, in the order of the type, which must be `Ordered`: numbers, times, text, … |
/// | `#[unique]` | at most one item has the value, and it is found by it; `None` may be shared |
///
/// Each of them defines a constant for queries, such as `Text::LANGUAGE`. Indexes are written in
/// the same atomic step as the document, with the value of the field itself, independent of serde's
/// names, `from` and `into`. A field that serde writes by `with` or `serialize_with` can have any
/// type: with `#[index]` or `#[unique]`, what the function writes is compared, which must be text,
/// a number or a boolean; with `#[index(range)]` the field's type decides.
#[proc_macro_derive(
    Collection,
    attributes(collection, mutation, transformation, upgrade, index, unique)
)]
pub fn derive_collection(input: TokenStream) -> TokenStream {
    derive::collection(parse_macro_input!(input as DeriveInput)).into()
}

/// Makes a type of your own indexable: an enum without fields, as serde writes it, or a struct with
/// one field, as that field.
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
/// A struct whose field is `Ordered` is `Ordered` as well. `#[indexable(crate = path)]` is the path
/// of the crate `metastore`, if it was renamed. The index contains the value itself, independent of
/// serde's attributes.
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
/// Every field is a `Repo`. The derive defines `connect`, which opens a connection and registers
/// the collections in the server's catalog; `with_store`, which uses an open connection; and
/// `register`, which only registers them. `#[repository(crate = path)]` is the path of the crate
/// `metastore`, if it was renamed.
#[proc_macro_derive(Repository, attributes(repository))]
pub fn derive_repository(input: TokenStream) -> TokenStream {
    derive::repository(parse_macro_input!(input as DeriveInput)).into()
}
