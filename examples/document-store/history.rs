//! The versions of a document.

use std::fmt::Write;

use futures_util::{StreamExt, TryStreamExt, stream};
use metastore::{Item, VersionInfo};
use metastore_examples::shown::{Shown, count, line};
use metastore_examples::table::{add_row, align_right, keep_whole, table};
use serde::Serialize;
use serde_json::json;

use crate::document::{self, Document, Documents};

/// How many versions are read at once.
const AT_ONCE: usize = 32;

/// A version, with what its revision is known by.
#[derive(Debug, Serialize)]
struct Entry {
    #[serde(flatten)]
    version: VersionInfo,
    revision: Option<String>,
    date: Option<String>,
    summary: Option<String>,
    words: Option<u64>,
}

pub(crate) async fn history(
    documents: &Documents,
    name: &str,
    limit: u64,
    before: u64,
) -> anyhow::Result<Shown> {
    let document = document::find(documents, name).await?;
    // The list of versions reads no documents; the name of a revision is in its document.
    let versions = documents.versions(&document.id).limit(limit).before(before).await?;
    let entries: Vec<Entry> = stream::iter(versions)
        .map(|version| entry(documents, &document, version))
        .buffered(AT_ONCE)
        .try_collect()
        .await?;

    let mut rows = table(["version", "stored", "by", "revision", "date", "summary"]);
    for Entry { version, revision, date, summary, .. } in &entries {
        let shown = |text: &Option<String>| text.clone().unwrap_or("–".to_owned());
        let by = version.actor.as_ref().map_or("–".to_owned(), ToString::to_string);
        let (number, stored) = (version.version.to_string(), version.written_at.to_string());
        let cells = [number, stored, by, shown(revision), shown(date), shown(summary)];
        add_row(&mut rows, cells);
    }
    align_right(&mut rows, [0]);
    keep_whole(&mut rows, 0..5);
    let name = line(&document.data.name);
    let mut text = format!("{rows}\n{} of {name}", count(entries.len(), "version", "versions"));
    if let Some(oldest) = entries.last().map(|entry| entry.version.version).filter(|it| *it > 1) {
        // With fewer versions than requested, the last one is the oldest that is left.
        if (entries.len() as u64) < limit {
            write!(text, "; those before {oldest} are gone: {}", document::retention())?;
        } else {
            write!(text, "\nmore: --before {oldest}")?;
        }
    }
    Shown::new(json!({ "id": document.id, "name": document.data.name, "versions": entries }), text)
}

async fn entry(
    documents: &Documents,
    document: &Item<Document>,
    version: VersionInfo,
) -> metastore::Result<Entry> {
    let read = documents.get_version(&document.id, version.version).await?;
    // It may have gone meanwhile.
    let Some(data) = read.map(Item::into_data) else {
        return Ok(Entry { version, revision: None, date: None, summary: None, words: None });
    };
    let Document { revision, date, summary, words, .. } = data;
    Ok(Entry { version, revision, date, summary, words: Some(words) })
}
