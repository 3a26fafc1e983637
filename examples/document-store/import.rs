//! Files become documents, and their revisions become versions.

use std::collections::{BTreeSet, HashSet};
use std::path::PathBuf;

use anyhow::{bail, ensure};
use futures_util::{StreamExt, TryStreamExt, stream};
use metastore::{Collection, ErrorKind, Id};
use metastore_examples::failure::explain;
use metastore_examples::input::{self, Found, Input, Naming};
use metastore_examples::progress::{Bar, Progress};
use metastore_examples::shown::{Shown, count};
use metastore_examples::source::{self, Revision};
use serde::Serialize;
use serde_json::json;

use crate::document::{Document, Documents};

/// How many documents are worked on at once. Those that wait for the server together travel
/// together.
const AT_ONCE: usize = 32;

/// What became of one file.
#[derive(Debug, Serialize)]
struct Imported {
    name: String,
    id: Id,
    version: u64,
    /// How many versions it has more than before.
    added: u64,
}

/// Imports all files. What cannot be read or stored is reported and left out.
pub(crate) async fn import(
    documents: &Documents,
    paths: &[PathBuf],
    tags: &[String],
    as_json: bool,
) -> anyhow::Result<Shown> {
    let progress = Progress::new(as_json);
    // With the folder, so that a document has the same name whatever is imported along with it.
    let Found { inputs, problems } = input::find(paths, Naming::WithFolder)?;
    for problem in &problems {
        progress.problem(problem);
    }
    ensure!(!inputs.is_empty(), "there are no text files to import");
    one_document_each(&inputs)?;
    let bar = progress.bar("importing", inputs.len());
    let imported: Vec<Imported> = stream::iter(inputs)
        .map(|input| file(documents, input, tags, &progress, &bar))
        .buffered(AT_ONCE)
        .try_filter_map(async |imported| Ok(imported))
        .try_collect()
        .await?;
    drop(bar);
    if imported.is_empty() {
        bail!("none of the files could be imported");
    }
    let new = imported.iter().filter(|one| one.added == one.version).count();
    let unchanged = imported.iter().filter(|one| one.added == 0).count();
    let added: u64 = imported.iter().map(|one| one.added).sum();
    let text = format!(
        "{}: {new} new, {} changed, {unchanged} unchanged; {} added, {}",
        count(imported.len(), "document", "documents"),
        imported.len() - new - unchanged,
        count(added, "version", "versions"),
        count(progress.problems(), "problem", "problems"),
    );
    Shown::new(json!({ "documents": imported, "problems": progress.problems() }), text)
}

fn one_document_each(inputs: &[Input]) -> anyhow::Result<()> {
    let mut names = HashSet::new();
    for input in inputs {
        let is_new = names.insert(&input.name);
        ensure!(is_new, "two files would be the document {}: import one of them", input.name);
    }
    Ok(())
}

/// One file; `None` if there is something wrong with it. Trouble with the server is an error, for
/// then the next file would fare no better.
async fn file(
    documents: &Documents,
    input: Input,
    tags: &[String],
    progress: &Progress,
    bar: &Bar,
) -> anyhow::Result<Option<Imported>> {
    let problem = |error: anyhow::Error| {
        progress.problem(&format!("{}: {error:#}", input.path.display()));
        bar.advance();
        Ok(None)
    };
    let revisions = match source::read(&input).await {
        Ok(revisions) => revisions,
        Err(error) => return problem(error),
    };
    bar.extend(revisions.len().saturating_sub(1));
    match store(documents, &input, &revisions, tags, bar).await {
        Err(error) if is_about_the_document(&error) => problem(explain(error.into())),
        stored => Ok(stored?),
    }
}

fn is_about_the_document(error: &metastore::Error) -> bool {
    let is_taken = matches!(error.kind(), ErrorKind::AlreadyExists { .. });
    error.is_invalid_document() || error.is_conflict() || is_taken
}

async fn store(
    documents: &Documents,
    input: &Input,
    revisions: &[Revision],
    tags: &[String],
    bar: &Bar,
) -> metastore::Result<Option<Imported>> {
    let mut item = documents.get_by(Document::NAME, input.name.as_str()).await?;
    let before = item.as_ref().map_or(0, |item| item.version);
    let known = item.as_ref().map_or(0, |item| known(revisions, &item.data));
    (0..known).for_each(|_| bar.advance());
    let had = item.iter().flat_map(|item| &item.data.tags);
    let tags: Vec<String> = had.chain(tags).cloned().collect::<BTreeSet<_>>().into_iter().collect();
    for revision in &revisions[known..] {
        let document = document(input, revision, &tags);
        item = Some(match &item {
            None => documents.create(document).await?,
            // With the item in hand this is one round trip, and nothing is stored if nothing
            // changed.
            Some(item) => documents.replace(item, document).await?,
        });
        bar.advance();
    }
    let Some(item) = item else { return Ok(None) };
    let item = documents.update(&item, Document::patch().tags(tags)).await?;
    let (name, id, version) = (item.data.name.clone(), item.id.clone(), item.version);
    Ok(Some(Imported { name, id, version, added: version - before }))
}

/// How many of the revisions the document has gone through already.
fn known(revisions: &[Revision], document: &Document) -> usize {
    let is_it = |found: &Revision| {
        found.text == document.text
            && (&found.revision, &found.date) == (&document.revision, &document.date)
    };
    revisions.iter().rposition(is_it).map_or(0, |position| position + 1)
}

fn document(input: &Input, revision: &Revision, tags: &[String]) -> Document {
    let Revision { revision, date, summary, text } = revision.clone();
    Document {
        name: input.name.clone(),
        kind: input.path.extension().map(|kind| kind.to_string_lossy().to_lowercase()),
        tags: tags.to_vec(),
        words: text.split_whitespace().count() as u64,
        revision,
        date,
        summary,
        text,
    }
}
