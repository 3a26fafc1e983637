//! Hand-written bulk creation: chunks of a hundred, three of which are in flight, as in metastore.

use anyhow::Result;
use tokio::task::JoinSet;

use super::stored::Stored;
use crate::document::Article;

const CHUNK: usize = 100;
const IN_FLIGHT: usize = 3;

/// Validates and adds all articles. `add` writes the items of one atomic step.
pub(super) async fn by_hundreds<P, F>(
    peer: &P,
    articles: Vec<Article>,
    add: impl Fn(P, Vec<Stored>) -> F,
) -> Result<usize>
where
    P: Clone,
    F: Future<Output = Result<()>> + Send + 'static,
{
    let count = articles.len();
    let mut articles = articles.into_iter();
    let mut running = JoinSet::new();
    loop {
        let stored: Vec<Stored> =
            articles.by_ref().take(CHUNK).map(Stored::first).collect::<Result<_>>()?;
        if stored.is_empty() {
            break;
        }
        if running.len() == IN_FLIGHT
            && let Some(added) = running.join_next().await
        {
            added??;
        }
        running.spawn(add(peer.clone(), stored));
    }
    while let Some(added) = running.join_next().await {
        added??;
    }
    Ok(count)
}
