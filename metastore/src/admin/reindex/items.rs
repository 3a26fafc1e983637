//! Checking the index entries of items against their documents.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::checker::Checker;
use super::report::IndexReport;
use crate::document::Document;
use crate::document::encode::index_entries;
use crate::document::envelope;
use crate::document::header::Header;
use crate::document::item::Item;
use crate::error::Result;
use crate::index::Entries;
use crate::redis::command::Reply;
use crate::redis::script::{REINDEX, ScriptCall};
use crate::repo::Repo;
use crate::repo::query::decode;
use crate::schema::TtlOnUpdate;
use crate::time::millis;

/// How often an item is checked again because it was written meanwhile.
const ATTEMPTS: usize = 5;

/// The maximum bytes of index entries that one script call checks, so that it blocks the
/// server only briefly.
const CHUNK_BYTES: usize = 128 * 1024;

/// An id with the stored document.
pub(super) type Row = (String, Reply);

/// The entries that an item should have.
struct Expected {
    header: Header,
    entries: Bytes,
    /// The number of entries in each index.
    counts: BTreeMap<String, u64>,
}

/// When an item should expire by the time to live of its collection, as the script reads it.
fn deadline_arg<T: Document>(header: &Header) -> String {
    let since = match T::SCHEMA.ttl_on_update {
        TtlOnUpdate::Reset => header.written(),
        TtlOnUpdate::Keep => header.created,
    };
    match (T::SCHEMA.ttl, header.expires) {
        (Some(ttl), _) => since.plus(ttl).as_millis().to_string(),
        (None, Some(_)) => "-".to_owned(),
        (None, None) => String::new(),
    }
}

impl<T: Document> Checker<'_, T> {
    /// Checks index entries; an item that has changed meanwhile is read and checked again. Returns
    /// the headers of the documents that can be read.
    pub(super) async fn check_entries(
        &self,
        mut open: Vec<Row>,
        report: &mut IndexReport,
    ) -> Result<Vec<Header>> {
        let mut headers = Vec::with_capacity(open.len());
        for _ in 0..ATTEMPTS {
            let mut changed = Vec::new();
            for chunk in chunks(self.expected(open, report)) {
                let findings = self.compare(&chunk).await?;
                for (Expected { header, mut counts, .. }, finding) in
                    chunk.into_iter().zip(findings)
                {
                    let id = header.id.as_str();
                    match finding.as_deref().unwrap_or_default() {
                        "0" | "3" => {}
                        "1" => report.wrong += 1,
                        "2" => {
                            changed.push(id.to_owned());
                            continue;
                        }
                        "5" => report.fail(id, "scripts cannot read the document".to_owned()),
                        taken => {
                            report.wrong += 1;
                            // The value belongs to another item, so this one has
                            // no entry in that index.
                            for index in taken.split(' ').skip(1).step_by(2) {
                                counts.remove(index);
                            }
                            report.fail(id, self.taken(taken));
                        }
                    }
                    for (index, count) in counts {
                        *report.entries.entry(index).or_default() += count;
                    }
                    headers.push(header);
                }
            }
            open = self.read(changed).await?;
            if open.is_empty() {
                return Ok(headers);
            }
        }
        report.busy += open.len() as u64;
        Ok(headers)
    }

    /// Reads items; those that no longer exist are left out.
    pub(super) async fn read(&self, ids: Vec<String>) -> Result<Vec<Row>> {
        let at = self.repo.address();
        let keys: Vec<String> = ids.iter().map(|id| at.latest_of(id)).collect();
        let found = self.repo.read_documents(&keys, self.operation).await?;
        Ok(ids.into_iter().zip(found).filter(|(_, found)| *found != Reply::Nil).collect())
    }

    /// The entries that items should have. A document that does not decode is
    /// reported and left out.
    fn expected(&self, rows: Vec<Row>, report: &mut IndexReport) -> Vec<Expected> {
        let address = self.repo.address();
        let mut all = Vec::with_capacity(rows.len());
        for (id, found) in rows {
            let json = match &found {
                Reply::Data(json) => json.clone(),
                _ => Bytes::new(),
            };
            let read = decode(address, &id, found, self.operation);
            let expected = read.map_err(|unreadable| unreadable.error).and_then(|item: Item<T>| {
                let header =
                    envelope::decode_header(&json, &address.latest_of(&id), self.operation)?;
                let owner = item.owner.as_ref();
                let entries = index_entries(&item.data, item.created_at, owner, self.operation)?;
                let counts = entries.as_ref().map(Entries::counts).unwrap_or_default();
                let entries = entries.map(|entries| entries.to_bytes()).unwrap_or_default();
                Ok(Expected { header, entries, counts })
            });
            match expected {
                Ok(expected) => all.push(expected),
                Err(error) => report.fail(&id, error.to_string()),
            }
        }
        all
    }

    /// Compares the entries with the indexes, and repairs them. Returns a finding for each item.
    async fn compare(&self, expected: &[Expected]) -> Result<Vec<Option<String>>> {
        let at = self.repo.address();
        let mut call = ScriptCall::new(&REINDEX)
            .key(at.index())
            .keys(self.repo.id_sets())
            .address(at)
            .arg(self.repair_arg())
            .arg(Repo::<T>::derived_arg())
            .arg(T::SCHEMA.ttl.map(|ttl| millis(ttl).to_string()).unwrap_or_default());
        for Expected { header, entries, .. } in expected {
            call = call
                .arg(header.id.as_str().to_owned())
                .int(header.version)
                .arg(header.commit.clone())
                .int(header.created.as_millis())
                .arg(entries.clone())
                .arg(deadline_arg::<T>(header));
        }
        let mut verdict = self.repo.write(self.operation, "", call).await?;
        let findings = verdict.array(self.operation)?;
        Ok(findings.iter().map(|finding| finding.as_text().map(str::to_owned)).collect())
    }

    /// The items that have the same values of unique fields.
    fn taken(&self, finding: &str) -> String {
        let mut words = finding.split(' ').skip(1);
        let mut taken = Vec::new();
        while let (Some(index), Some(holder)) = (words.next(), words.next()) {
            let field = T::SCHEMA.field_of_segment(index).unwrap_or(index);
            taken.push(format!(
                "the item `{holder}` has the same value of the unique field `{field}`"
            ));
        }
        taken.join("; ")
    }
}

/// Groups of items, each checked by one script call.
fn chunks(all: Vec<Expected>) -> Vec<Vec<Expected>> {
    let mut chunks: Vec<Vec<Expected>> = Vec::new();
    let mut bytes = usize::MAX;
    for expected in all {
        bytes = bytes.saturating_add(expected.entries.len());
        match chunks.last_mut() {
            Some(chunk) if bytes <= CHUNK_BYTES => chunk.push(expected),
            _ => {
                bytes = expected.entries.len();
                chunks.push(vec![expected]);
            }
        }
    }
    chunks
}
