//! The builder of an import.

use std::future::{Future, IntoFuture};
use std::pin::Pin;

use serde_json::Value;

use super::importer::{Importer, OPERATION};
use super::report::ImportReport;
use crate::admin::walk::Walk;
use crate::document::Document;
use crate::error::{Error, ErrorKind, Result};
use crate::repo::Repo;

/// A run of [`Repo::import`]: set what you need, then `.await` it.
#[must_use = "nothing is imported until this is awaited"]
pub struct Import<'a, T: Document> {
    importer: Importer<'a, T>,
    walk: Walk<'a, u64, ImportReport>,
}

impl<T: Document> Repo<T> {
    /// Imports JSON documents whose keys match a pattern, such as `legacy:user:*`, into the
    /// collection.
    ///
    /// Each becomes an item at version 1, with the same checks as create: validation, indexes,
    /// unique fields, audit. Its id is the part of the key that the first `*` of the pattern
    /// matches, unless [`Import::id_from`] is set. Strings that contain JSON are imported, and
    /// documents of `RedisJSON` if the server has the module; other types, and metastore's own
    /// keys, are skipped. Originals are kept, unless [`Import::delete_originals`] is set. Fields
    /// that `T` does not know are preserved.
    ///
    /// It can be interrupted and repeated at any time: a document that is an item already, with the
    /// same content, is skipped. One with other content is reported and not changed.
    ///
    /// One SCAN for each 500 keys of the whole server, two round trips for those that match, and
    /// one or two for each document, 16 at once.
    ///
    /// ```no_run
    /// # use metastore::{Collection, Repo};
    /// # #[derive(Clone, serde::Serialize, serde::Deserialize, validator::Validate, Collection)]
    /// # #[collection(domain = "d", app = "a", name = "users", object_type = texts)]
    /// # struct User { name: String }
    /// # async fn example(users: Repo<User>) -> Result<(), metastore::Error> {
    /// let would = users.import("legacy:user:*").dry_run().await?;
    /// for failure in &would.failures {
    ///     println!("{}: {}", failure.key, failure.reason);
    /// }
    /// let report = users.import("legacy:user:*").await?;
    /// println!("{} imported, {} were there", report.imported, report.already);
    /// # Ok(())
    /// # }
    /// ```
    pub fn import(&self, pattern: impl Into<String>) -> Import<'_, T> {
        let pattern = pattern.into();
        let (before, after) = match pattern.split_once('*') {
            Some((before, after)) => (before.to_owned(), after.to_owned()),
            None => (String::new(), String::new()),
        };
        let id_of = move |key: &str| {
            let rest = key.strip_prefix(&before)?;
            Some(rest.strip_suffix(&after).unwrap_or(rest).to_owned())
        };
        let importer = Importer {
            repo: self,
            pattern,
            id_of: Box::new(id_of),
            map: None,
            schema: T::SCHEMA.version,
            dry_run: false,
            delete_originals: false,
        };
        Import { importer, walk: Walk::new() }
    }
}

impl<'a, T: Document> Import<'a, T> {
    /// Makes the id from the key; a document for which it returns `None` is reported and not
    /// imported. Default: the part of the key that the first `*` of the pattern matches.
    pub fn id_from(mut self, id: impl Fn(&str) -> Option<String> + Send + Sync + 'a) -> Self {
        self.importer.id_of = Box::new(id);
        self
    }

    /// Changes each document before it is read as `T`. The text of an error is reported, and the
    /// document is not imported.
    pub fn map(mut self, map: impl Fn(Value) -> Result<Value, String> + Send + Sync + 'a) -> Self {
        self.importer.map = Some(Box::new(map));
        self
    }

    /// The schema number of the originals; upgrade functions convert them to the current schema.
    /// Default: the current one.
    pub fn schema(mut self, schema: u32) -> Self {
        self.importer.schema = schema;
        self
    }

    /// Reads and checks everything and writes nothing. A unique value that another item already has
    /// is only found by a real run.
    pub fn dry_run(mut self) -> Self {
        self.importer.dry_run = true;
        self
    }

    /// Removes each original once its item exists, atomically, and only if it still has the content
    /// that was imported. Default: originals are kept.
    pub fn delete_originals(mut self) -> Self {
        self.importer.delete_originals = true;
        self
    }

    /// Resumes an interrupted run at the number in its report. Default: from the beginning, which
    /// is also correct, since imported documents are skipped.
    pub fn resume(mut self, cursor: u64) -> Self {
        self.walk.resume(cursor);
        self
    }

    /// Calls a function with the report so far, after each 500 keys of the server.
    pub fn progress(mut self, progress: impl FnMut(&ImportReport) + Send + 'a) -> Self {
        self.walk.progress(progress);
        self
    }

    async fn run(self) -> Result<ImportReport> {
        let Self { importer, walk } = self;
        if !importer.pattern.contains('*') {
            let message = "the pattern must have a `*`, such as `legacy:user:*`".to_owned();
            return Err(Error::new(OPERATION, ErrorKind::InvalidArgument(message)));
        }
        let dry_run = importer.dry_run;
        walk.run(&importer, ImportReport { dry_run, ..ImportReport::default() }).await
    }
}

impl<'a, T: Document> IntoFuture for Import<'a, T> {
    type Output = Result<ImportReport>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}
