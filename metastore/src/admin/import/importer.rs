//! What an import does with each page of keys.

use bytes::Bytes;
use serde_json::Value;

use super::document::{is_same_content, read_document};
use super::report::{ImportFailure, ImportReport, Outcome};
use super::source::{Original, Source};
use crate::admin::walk::{CONCURRENCY, Page, Task, for_each};
use crate::document::Document;
use crate::document::encode::EncodeMemory;
use crate::document::unknown::UnknownFields;
use crate::error::{Error, ErrorKind, Result};
use crate::key::Id;
use crate::redis::script::code;
use crate::repo::Repo;

pub(super) const OPERATION: &str = "import";

pub(super) type IdOf<'a> = Box<dyn Fn(&str) -> Option<String> + Send + Sync + 'a>;
pub(super) type Map<'a> = Box<dyn Fn(Value) -> Result<Value, String> + Send + Sync + 'a>;

pub(super) struct Importer<'a, T: Document> {
    pub(super) repo: &'a Repo<T>,
    pub(super) pattern: String,
    pub(super) id_of: IdOf<'a>,
    pub(super) map: Option<Map<'a>>,
    pub(super) schema: u32,
    pub(super) dry_run: bool,
    pub(super) delete_originals: bool,
}

impl<T: Document> Task for Importer<'_, T> {
    type Cursor = u64;
    type Entry = String;
    type Report = ImportReport;

    async fn read_page(&self, after: Option<&u64>, _limit: u64) -> Result<Page<String, u64>> {
        let cursor = after.copied().unwrap_or(0);
        let (next, entries) = self.source().scan(cursor, &self.pattern).await?;
        Ok(Page { entries, next: (next != 0).then_some(next) })
    }

    async fn process(&self, keys: Vec<String>, report: &mut ImportReport) -> Result<()> {
        let scanned = keys.len();
        report.scanned += scanned as u64;
        let mut originals = self.source().types_of(keys).await?;
        report.skipped += (scanned - originals.len()) as u64;
        // Only the documents that are imported concurrently are in memory.
        while !originals.is_empty() {
            let rest = originals.split_off(originals.len().min(CONCURRENCY));
            let chunk = std::mem::replace(&mut originals, rest);
            let wanted = chunk.len();
            let found = self.source().read(chunk).await?;
            report.skipped += (wanted - found.len()) as u64;
            let import = |(original, text)| self.import_one(original, text);
            for_each(found, import, |outcome| {
                report.add(outcome?);
                Ok(())
            })
            .await?;
        }
        Ok(())
    }

    fn resume_of(report: &mut ImportReport) -> &mut Option<u64> {
        &mut report.resume
    }
}

impl<T: Document> Importer<'_, T> {
    fn source(&self) -> Source<'_> {
        Source { store: self.repo.store(), operation: OPERATION }
    }

    async fn import_one(&self, original: Original, text: Bytes) -> Result<Outcome> {
        let failed = |reason: String| {
            Ok(Outcome::Failed(ImportFailure { key: original.key.clone(), reason }))
        };
        let id = match (self.id_of)(&original.key).map(|id| Id::new(&id)) {
            Some(Ok(id)) => id,
            Some(Err(error)) => return failed(error.to_string()),
            None => return failed("the key has no id; change `id_from`".to_owned()),
        };
        let map = self.map.as_deref();
        let (document, unknown) = match read_document(self.repo, &id, &text, map, self.schema) {
            Ok(item) => {
                let unknown = item.unknown().clone();
                (item.into_data(), unknown)
            }
            Err(reason) => return failed(reason),
        };
        let repo = self.repo;
        let now = repo.store().now();
        let memory = &mut EncodeMemory::Single;
        let new = match repo.prepare(id.clone(), now, document.clone(), &unknown, memory, OPERATION)
        {
            Ok(new) => new,
            Err(error) if error.is_invalid_document() => return failed(error.kind().to_string()),
            Err(error) => return Err(error),
        };
        let created = if !self.dry_run {
            repo.create_alone(new, OPERATION).await.map(drop)
        } else if repo.exists(&id).await? {
            let key = repo.address().latest(&id);
            Err(Error::new(OPERATION, ErrorKind::AlreadyExists { field: None }).at(key))
        } else {
            return Ok(Outcome::Imported { deleted: false });
        };
        match created {
            Ok(()) => {
                let deleted = self.delete_original(&original, text, &id).await?;
                Ok(Outcome::Imported { deleted })
            }
            Err(error) => match error.kind() {
                ErrorKind::AlreadyExists { field: None } => {
                    if self.is_stored(&id, &document, &unknown).await? {
                        let deleted = self.delete_original(&original, text, &id).await?;
                        return Ok(Outcome::Already { deleted });
                    }
                    failed(format!("the item `{id}` already exists with other content"))
                }
                kind => failed(kind.to_string()),
            },
        }
    }

    /// Whether the first version of the item has this content. Later versions do not count: the
    /// item may have been updated since it was imported.
    async fn is_stored(&self, id: &Id, document: &T, unknown: &UnknownFields) -> Result<bool> {
        let first = self.repo.get_version(id, 1).await?;
        let limits = self.repo.limits();
        Ok(first.is_some_and(|item| is_same_content(&item, document, unknown, limits)))
    }

    async fn delete_original(&self, original: &Original, text: Bytes, id: &Id) -> Result<bool> {
        if !self.delete_originals || self.dry_run {
            return Ok(false);
        }
        let call = original.remove_call(text, self.repo.address().latest(id));
        Ok(self.repo.write(OPERATION, "", call).await?.code == code::DONE)
    }
}
