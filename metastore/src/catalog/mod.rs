//! The catalog: the domains, apps and collections of a server, with the descriptor of each
//! collection.
//!
//! Programs register their collections when they connect. Each level of names has its own key, so
//! reading the catalog needs no scan of the server.

mod descriptor;
mod register;

use std::collections::BTreeMap;

use bytes::Bytes;

pub use descriptor::{Descriptor, FieldDescriptor, TransformationDescriptor};
pub use register::{Registration, announce, register};

use crate::document::envelope::decode_value;
use crate::error::{Error, Result};
use crate::key::{Address, CatalogKey, Name};
use crate::redis::command::{Command, Reply, unexpected};
use crate::store::Store;

/// How many names are asked for in one round trip.
const PAGE: u64 = 1_000;

impl Store {
    /// The domains that have a collection, in alphabetical order.
    ///
    /// One round trip, and one for each further 1,000.
    ///
    /// # Errors
    ///
    /// `WrongType`, `Unavailable`.
    ///
    /// ```
    /// # use metastore::{Collection, Repo, Repository, Store};
    /// # #[derive(Clone, serde::Serialize, serde::Deserialize, validator::Validate, Collection)]
    /// # #[collection(domain = "myapp", app = "notebook", name = "notes", object_type = texts)]
    /// # #[mutation(length -> usize)]
    /// # struct Note { title: String }
    /// # impl Note { fn length(&self) -> usize { self.title.len() } }
    /// # #[derive(Repository)]
    /// # struct MyRepo { notes: Repo<Note> }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), metastore::Error> {
    /// let store = Store::embedded().await?;
    /// MyRepo::with_store(&store).register().await?; // `MyRepo::connect` does it automatically
    ///
    /// for domain in store.domains().await? {
    ///     for app in store.apps(&domain).await? {
    ///         for collection in store.collections(&domain, &app).await? {
    ///             assert_eq!(collection.address.as_str(), "myapp:notebook:notes");
    ///             assert_eq!(collection.mutations[0].as_str(), "length");
    ///         }
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn domains(&self) -> Result<Vec<Name>> {
        self.names(&CatalogKey::Domains, "domains").await
    }

    /// The apps of a domain that have a collection, in alphabetical order; empty if the domain does
    /// not exist.
    ///
    /// One round trip, and one for each further 1,000.
    ///
    /// # Errors
    ///
    /// `InvalidName`, `WrongType`, `Unavailable`.
    pub async fn apps(&self, domain: impl AsRef<str>) -> Result<Vec<Name>> {
        const OPERATION: &str = "apps";
        let domain = checked(Name::domain(domain.as_ref()), OPERATION)?;
        self.names(&CatalogKey::Apps(domain), OPERATION).await
    }

    /// The collections of an app, in alphabetical order; empty if the app does not exist.
    ///
    /// One round trip, and one for each further 1,000.
    ///
    /// # Errors
    ///
    /// `InvalidName`; `Decode` if a stored descriptor cannot be read; `WrongType`, `Unavailable`.
    pub async fn collections(
        &self,
        domain: impl AsRef<str>,
        app: impl AsRef<str>,
    ) -> Result<Vec<Descriptor>> {
        const OPERATION: &str = "collections";
        let domain = checked(Name::domain(domain.as_ref()), OPERATION)?;
        let app = checked(Name::new(app.as_ref()), OPERATION)?;
        let key = CatalogKey::Collections(domain, app).to_string();
        let parts = self.scan("HSCAN", &key, OPERATION).await?;
        let pairs = parts.chunks_exact(2).map(|pair| (pair[0].clone(), pair[1].clone()));
        // HSCAN may return a field twice.
        let found: BTreeMap<Bytes, Bytes> = pairs.collect();
        found.values().map(|json| decode_value(json, &key, OPERATION)).collect()
    }

    /// The descriptor of a collection; `None` if it is not in the catalog.
    ///
    /// One round trip.
    ///
    /// # Errors
    ///
    /// `Decode` if the stored descriptor cannot be read; `WrongType`, `Unavailable`.
    pub async fn collection(&self, address: &Address) -> Result<Option<Descriptor>> {
        const OPERATION: &str = "collection";
        let key = CatalogKey::Collections(address.domain(), address.app()).to_string();
        let name = address.collection();
        let command = Command::new("HGET").arg(key.clone()).arg(name.as_str().to_owned());
        let found = self.reader().call(command).await;
        let found = found.map_err(|fault| fault.into_error(OPERATION).at(key.clone()))?;
        found.into_data().map(|json| decode_value(&json, &key, OPERATION)).transpose()
    }

    async fn names(&self, key: &CatalogKey, operation: &'static str) -> Result<Vec<Name>> {
        let found = self.scan("SSCAN", &key.to_string(), operation).await?;
        let name = |name: &Bytes| Name::new(std::str::from_utf8(name).ok()?).ok();
        let mut names: Vec<Name> = found.iter().filter_map(name).collect();
        names.sort();
        names.dedup();
        Ok(names)
    }

    /// All elements of one key. SMEMBERS and HVALS are not used, because the first element of their
    /// replies could be any text: see `redis/connection.rs`.
    async fn scan(
        &self,
        command: &'static str,
        key: &str,
        operation: &'static str,
    ) -> Result<Vec<Bytes>> {
        let mut found = Vec::new();
        let mut cursor = Bytes::from_static(b"0");
        loop {
            let step = Command::new(command).arg(key.to_owned()).arg(cursor).arg("COUNT").int(PAGE);
            let reply = self.reader().call(step).await;
            let reply = reply.map_err(|fault| fault.into_error(operation).at(key))?;
            let mut parts = reply.into_array().unwrap_or_default().into_iter();
            let (Some(Reply::Data(next)), Some(Reply::Array(page))) = (parts.next(), parts.next())
            else {
                return Err(unexpected(operation, &"no cursor"));
            };
            found.extend(page.into_iter().filter_map(Reply::into_data));
            if &*next == b"0" {
                return Ok(found);
            }
            cursor = next;
        }
    }
}

fn checked(name: Result<Name, crate::key::InvalidName>, operation: &'static str) -> Result<Name> {
    name.map_err(|error| Error::from(error).during(operation))
}
