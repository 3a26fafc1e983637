//! The second step: what can be found out about a text is written into it.

use futures_util::{StreamExt, TryStreamExt, stream};
use metastore::{Collection, Item};
use metastore_examples::progress::Progress;
use metastore_examples::shown::count;

use crate::concurrency::AT_ONCE;
use crate::language;
use crate::text::{MyRepo, Text};

/// Updates all texts and returns them.
pub(crate) async fn update_all(
    repo: &MyRepo,
    items: Vec<Item<Text>>,
    progress: &Progress,
) -> anyhow::Result<Vec<Item<Text>>> {
    let bar = progress.bar("updating", items.len());
    let before: u64 = items.iter().map(|item| item.version).sum();
    let items: Vec<Item<Text>> = stream::iter(items)
        .map(|item| async {
            let updated = update(repo, item).await;
            bar.advance();
            updated
        })
        .buffered(AT_ONCE)
        .try_collect()
        .await?;
    drop(bar);
    let known = items.iter().filter(|item| item.data.language.is_some()).count();
    let versions = items.iter().map(|item| item.version).sum::<u64>() - before;
    progress.say(&format!(
        "updated them by {}; found the language of {known} of {}",
        count(versions, "version", "versions"),
        items.len()
    ))?;
    Ok(items)
}

async fn update(repo: &MyRepo, item: Item<Text>) -> metastore::Result<Item<Text>> {
    let item = match language::detect(&item.data.content) {
        // The item in hand says which version is meant: another writer's change is not lost.
        Some(language) => repo.texts.update(&item, Text::patch().language(language)).await?,
        None => item,
    };
    // By id, the current version is read first, and a conflict is resolved by another try.
    let trim = |text: &mut Text| text.content.truncate(text.content.trim_end().len());
    repo.texts.modify(&item.id, trim).await
}
