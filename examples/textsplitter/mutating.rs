//! The third step: the mutations of all texts, run here and stored.

use futures_util::{StreamExt, TryStreamExt, stream};
use metastore::Item;
use metastore_examples::progress::Progress;
use metastore_examples::shown::count;

use crate::concurrency::AT_ONCE;
use crate::text::{MyRepo, Text};

/// Runs and materialises the mutations of all texts.
pub(crate) async fn mutate_all(
    repo: &MyRepo,
    items: &[Item<Text>],
    progress: &Progress,
) -> anyhow::Result<()> {
    let bar = progress.bar("mutating", items.len());
    let counts: Vec<(usize, usize)> = stream::iter(items)
        .map(|item| async {
            let counted = mutate(repo, item).await;
            bar.advance();
            counted
        })
        .buffered(AT_ONCE)
        .try_collect()
        .await?;
    drop(bar);
    let words: usize = counts.iter().map(|(words, _)| words).sum();
    let pieces: usize = counts.iter().map(|(_, pieces)| pieces).sum();
    let words = count(words, "word", "words");
    progress.say(&format!("counted {words}, cut into {}", count(pieces, "piece", "pieces")))
}

/// With the item in hand, running costs no round trip, and materialising one.
async fn mutate(repo: &MyRepo, item: &Item<Text>) -> metastore::Result<(usize, usize)> {
    let text = repo.texts.item(item);
    let (words, pieces) = text.evaluate_all((Text::WORDCOUNT, Text::TEXTSPLIT)).await?;
    text.wordcount().materialize().await?;
    text.textsplit().materialize().await?;
    Ok((words, pieces.len()))
}
