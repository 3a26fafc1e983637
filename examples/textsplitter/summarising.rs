//! The fourth step: the summaries of all texts, queued here and made by the worker.

use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, stream};
use metastore::{ErrorKind, Item, Job};
use metastore_examples::progress::Progress;
use metastore_examples::shown::count;

use crate::concurrency::AT_ONCE;
use crate::text::{MyRepo, Summary, Text};

/// Longer than any queue here takes. A worker that has died is noticed at once and elsewhere.
const PATIENCE: Duration = Duration::from_secs(10 * 60);

/// Queues a summary of each text, and waits for all of them.
pub(crate) async fn summarise_all(
    repo: &MyRepo,
    items: &[Item<Text>],
    progress: &Progress,
) -> anyhow::Result<()> {
    let jobs: Vec<Job<Text, Summary>> = stream::iter(items)
        .map(|item| async move { repo.texts.item(item).summarize().enqueue().await })
        .buffered(AT_ONCE)
        .try_collect()
        .await?;
    progress.say(&format!("queued {}", count(jobs.len(), "summary", "summaries")))?;

    let bar = progress.bar("summarising", jobs.len());
    let sentences: usize = stream::iter(items.iter().zip(&jobs))
        .map(|(item, job)| async {
            let ended = job.wait(PATIENCE).await;
            bar.advance();
            match ended {
                Ok(summary) => Ok(summary.sentences.len()),
                // Only this text's; the others go on.
                Err(error) if matches!(error.kind(), ErrorKind::JobFailed { .. }) => {
                    progress.problem(&format!("{}: {error}", item.data.name));
                    Ok(0)
                }
                Err(error) => Err(error),
            }
        })
        .buffer_unordered(AT_ONCE)
        .try_fold(0, async |sum, sentences| Ok(sum + sentences))
        .await?;
    drop(bar);
    let sentences = count(sentences, "sentence", "sentences");
    progress.say(&format!("the worker chose {sentences} for them"))
}
