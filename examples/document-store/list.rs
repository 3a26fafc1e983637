//! Lists of documents.

use metastore::{Condition, Query, Sorted};
use metastore_examples::page::{self, PageArgs};
use metastore_examples::shown::{Shown, count};
use metastore_examples::table::{add_row, align_right, table};

use crate::args::Filter;
use crate::document::{Document, Documents};

/// How many documents a page has.
const PAGE: u16 = 20;

pub(crate) async fn list(documents: &Documents, page: &PageArgs) -> anyhow::Result<Shown> {
    let total = documents.count().await?;
    show(documents.list().into_sorted(), total, page).await
}

pub(crate) async fn search(
    documents: &Documents,
    filter: &Filter,
    by_words: bool,
    page: &PageArgs,
) -> anyhow::Result<Shown> {
    let query = || match condition(filter) {
        Some(condition) => documents.find(condition),
        None => documents.list(),
    };
    let total = query().count().await?;
    let ordered = match by_words {
        true => query().descending_by(Document::WORDS),
        false => query().newest_first().into_sorted(),
    };
    show(ordered, total, page).await
}

pub(crate) async fn stats(documents: &Documents, sample: usize) -> anyhow::Result<Shown> {
    let stats = documents.stats().sample(sample).await?;
    Shown::new(&stats, stats.to_string())
}

/// All that the filter asks for; the server walks the index of the first, so the rarest come first.
fn condition(filter: &Filter) -> Option<Condition<Document>> {
    let tags = filter.tags.iter().map(|tag| Document::TAGS.contains(tag.as_str()));
    let kind = filter.kind.as_ref().map(|kind| Document::KIND.eq(kind.to_lowercase()));
    let words = match (filter.min_words, filter.max_words) {
        (Some(from), Some(to)) => Some(Document::WORDS.between(from, to)),
        (Some(from), None) => Some(Document::WORDS.at_least(from)),
        (None, to) => to.map(|to| Document::WORDS.at_most(to)),
    };
    tags.chain(kind).chain(words).reduce(Condition::and)
}

async fn show(
    query: Query<'_, Document, Sorted>,
    total: u64,
    page: &PageArgs,
) -> anyhow::Result<Shown> {
    let found = page.of(query, PAGE).page().await?;
    let mut rows = table(["document", "kind", "tags", "words", "versions", "stored"]);
    for item in &found.items {
        let Document { name, kind, tags, words, .. } = &item.data;
        let kind = kind.clone().unwrap_or("–".to_owned());
        let numbers = [words.to_string(), item.version.to_string()];
        let [words, versions] = numbers;
        let stored = item.updated_at.to_string();
        add_row(&mut rows, [name.clone(), kind, tags.join(", "), words, versions, stored]);
    }
    align_right(&mut rows, 3..5);
    let of = count(total, "document", "documents");
    let text = format!("{rows}\n{} of {of}{}", found.items.len(), page::next(&found));
    Shown::new(&found, text)
}
