//! The first step: each file becomes an item, and each further revision a version of it.

use futures_util::{StreamExt, TryStreamExt, stream};
use metastore::{ErrorKind, Item};
use metastore_examples::input::Input;
use metastore_examples::progress::Progress;
use metastore_examples::shown::count;
use metastore_examples::source::{self, Revision};

use crate::concurrency::AT_ONCE;
use crate::text::{MyRepo, Text};

/// Stores all files, in their order. What cannot be read or stored is reported and left out.
pub(crate) async fn store_all(
    repo: &MyRepo,
    inputs: Vec<Input>,
    progress: &Progress,
) -> anyhow::Result<Vec<Item<Text>>> {
    let bar = progress.bar("storing", inputs.len());
    let items: Vec<Item<Text>> = stream::iter(inputs)
        .map(|input| async {
            let stored = store_file(repo, input, progress).await;
            bar.advance();
            stored
        })
        .buffered(AT_ONCE)
        .try_filter_map(async |stored| Ok(stored))
        .try_collect()
        .await?;
    drop(bar);
    let versions: u64 = items.iter().map(|item| item.version).sum();
    let texts = count(items.len(), "text", "texts");
    progress.say(&format!("stored {texts} in {}", count(versions, "version", "versions")))?;
    Ok(items)
}

/// One file; `None` if there is something wrong with it. Trouble with the server is an error, for
/// then the next file would fare no better.
async fn store_file(
    repo: &MyRepo,
    input: Input,
    progress: &Progress,
) -> metastore::Result<Option<Item<Text>>> {
    let revisions = match source::read(&input).await {
        Ok(revisions) => revisions,
        Err(error) => {
            progress.problem(&format!("{}: {error:#}", input.path.display()));
            return Ok(None);
        }
    };
    match store_revisions(repo, &input.name, revisions).await {
        Err(error) if is_about_the_text(&error) => {
            progress.problem(&format!("{}: {error}", input.path.display()));
            Ok(None)
        }
        stored => stored,
    }
}

async fn store_revisions(
    repo: &MyRepo,
    name: &str,
    revisions: Vec<Revision>,
) -> metastore::Result<Option<Item<Text>>> {
    let mut stored: Option<Item<Text>> = None;
    for revision in revisions {
        let text = Text { name: name.to_owned(), content: revision.text, language: None };
        stored = Some(match stored {
            None => repo.texts.create(text).await?,
            // With the item in hand this is one round trip. A revision that is equal to the one
            // before it makes no version.
            Some(item) => repo.texts.replace(&item, text).await?,
        });
    }
    Ok(stored)
}

fn is_about_the_text(error: &metastore::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Validation(_) | ErrorKind::TooLarge { .. } | ErrorKind::TooDeep { .. }
    )
}
