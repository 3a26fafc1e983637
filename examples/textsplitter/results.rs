//! The results of a run, read back from the server.

use futures_util::{StreamExt, TryStreamExt, stream};
use metastore::{Id, Item, JobStatus, VersionInfo};
use serde::Serialize;

use crate::args::Args;
use crate::concurrency::AT_ONCE;
use crate::text::{MyRepo, Summary, Text};

/// What `--json` prints.
#[derive(Debug, Serialize)]
pub(crate) struct Results {
    pub(crate) texts: Vec<TextResult>,
    /// The keys of the collection itself, if keys were asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) keys: Vec<String>,
}

/// What is known of one text.
#[derive(Debug, Serialize)]
pub(crate) struct TextResult {
    pub(crate) id: Id,
    pub(crate) name: String,
    pub(crate) language: Option<String>,
    pub(crate) versions: usize,
    pub(crate) words: Option<usize>,
    pub(crate) pieces: Option<usize>,
    pub(crate) summary: Option<Summary>,
    pub(crate) job: Option<JobResult>,
    /// The newest first.
    #[serde(skip)]
    pub(crate) history: Vec<VersionInfo>,
    /// If keys were asked for; sorted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) keys: Vec<String>,
}

/// How the summary came about.
#[derive(Debug, Serialize)]
pub(crate) struct JobResult {
    pub(crate) state: String,
    pub(crate) failures: u32,
    pub(crate) milliseconds: Option<u128>,
    pub(crate) error: Option<String>,
}

impl Results {
    /// How many summaries were not made.
    pub(crate) fn failed(&self) -> usize {
        self.texts.iter().filter(|text| text.summary.is_none()).count()
    }
}

/// Reads the results of all texts, in their order.
pub(crate) async fn read_all(
    repo: &MyRepo,
    items: &[Item<Text>],
    args: &Args,
) -> anyhow::Result<Results> {
    let texts = stream::iter(items)
        .map(|item| read(repo, item, args))
        .buffered(AT_ONCE)
        .try_collect()
        .await?;
    let mut keys = Vec::new();
    if args.keys {
        keys.push(repo.texts.address().index());
        keys.extend(args.audit.then(|| repo.texts.address().audit_feed()));
    }
    Ok(Results { texts, keys })
}

async fn read(repo: &MyRepo, item: &Item<Text>, args: &Args) -> metastore::Result<TextResult> {
    let text = repo.texts.item(&item.id);
    let history = repo.texts.versions(&item.id).await?;
    let words = text.wordcount().cached().await?;
    let pieces = text.textsplit().cached().await?;
    let status = text.summarize().status().await?;
    let summary = text.summarize().result().await?;

    let at = repo.texts.address();
    let mut keys = Vec::new();
    if args.keys {
        keys.extend(history.iter().map(|known| match known.version == item.version {
            true => at.latest(&item.id),
            false => at.version(&item.id, known.version),
        }));
        keys.extend(words.as_ref().map(|_| at.mutation(&item.id, Text::WORDCOUNT.name())));
        keys.extend(pieces.as_ref().map(|_| at.mutation(&item.id, Text::TEXTSPLIT.name())));
        let summarize = Text::SUMMARIZE.schema().name;
        keys.extend(status.as_ref().map(|_| at.transformation(&item.id, summarize)));
        keys.extend(args.audit.then(|| at.audit(&item.id)));
        keys.sort_unstable();
    }
    Ok(TextResult {
        id: item.id.clone(),
        name: item.data.name.clone(),
        language: item.data.language.clone(),
        versions: history.len(),
        words: words.map(|cached| cached.value),
        pieces: pieces.map(|cached| cached.value.len()),
        job: status.as_ref().map(JobResult::of),
        summary,
        history,
        keys,
    })
}

impl JobResult {
    fn of(status: &JobStatus) -> Self {
        let took = status.started_at.zip(status.finished_at);
        Self {
            state: status.state.to_string(),
            failures: status.attempts,
            milliseconds: took.map(|(start, end)| end.since(start).as_millis()),
            error: status.error.clone(),
        }
    }
}
