//! Running a transformation in the caller's own process.

use std::fmt::Display;
use std::future::Future;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::{Instant, interval_at, sleep, timeout};

use crate::document::Document;
use crate::document::item::Item;
use crate::error::{Error, ErrorKind, Result};
use crate::job::item_transformation::ItemTransformation;
use crate::job::queue::{Claim, Queue};

const OPERATION: &str = "run";

/// How long the claim holds if this process stops; renewed three times as often.
const LEASE: Duration = Duration::from_secs(30);

/// The pause before a repetition where the transformation does not say.
const RETRY_DELAY: Duration = Duration::from_millis(100);

impl<T: Document, R: Serialize + DeserializeOwned> ItemTransformation<'_, T, R> {
    /// Runs the transformation here and now, stores its result as a worker would, and gives it.
    ///
    /// Meant for `mode = inline`, where no worker is needed, and of use for any transformation that
    /// cannot wait. Whatever else is known of a job holds: there is one run for an item at a time, status
    /// and result are the same, a failed one is in the dead-letter set, and if this process dies the
    /// next `run_with` takes over after 30 seconds. The timeout and the retries are those of the
    /// transformation; without them there is none of either.
    ///
    /// Two round trips, besides a renewal every ten seconds.
    ///
    /// # Errors
    ///
    /// `JobRunning` if the same transformation of the same item is already running, here or on a worker;
    /// `JobFailed` with the last error of the handler; `JobGone` if the claim was lost meanwhile; `NotFound`,
    /// `Decode`, `Unavailable`; and for the result as [`Queue::finish`].
    ///
    /// ```
    /// # use metastore::{Collection, Item, Store};
    /// # #[derive(Clone, serde::Serialize, serde::Deserialize, validator::Validate, Collection)]
    /// # #[collection(domain = "d", app = "a", name = "notes", object_type = texts)]
    /// #[transformation(digest -> String, mode = inline)]
    /// # struct Note { title: String }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), metastore::Error> {
    /// # let notes = Store::embedded().await?.repo::<Note>();
    /// let note = notes.create(Note { title: "Milk".into() }).await?;
    /// let shout = |item: Item<Note>| async move { Ok::<_, String>(item.data.title.to_uppercase()) };
    /// assert_eq!(notes.item(&note.id).digest().run_with(shout).await?, "MILK");
    /// assert_eq!(notes.item(&note.id).digest().result().await?.as_deref(), Some("MILK"));
    /// # Ok(())
    /// # }
    /// ```
    pub async fn run_with<F, Fut, E>(self, handler: F) -> Result<R>
    where
        T: Clone,
        F: Fn(Item<T>) -> Fut,
        Fut: Future<Output = Result<R, E>>,
        E: Display,
    {
        let (repo, id, transformation) = self.parts(OPERATION)?;
        let queue = Queue::new(repo, transformation);
        let worker = format!("inline-{}", std::process::id());
        let taken = queue.claim(&id, &worker, LEASE).await?.ok_or_else(|| {
            let key = repo.address().transformation(&id, transformation.name());
            Error::new(OPERATION, ErrorKind::JobRunning).at(key)
        })?;
        let claim = taken.claim;
        let run = async {
            let item = taken.item.map_err(|error| (1, error.to_string()))?;
            attempts(&queue, &item, taken.attempts, &handler).await
        };
        let ended = tokio::select! {
            ended = run => ended,
            () = keep(&queue, &claim) => return Err(gone(&queue, &claim)),
        };
        match ended {
            Ok(result) => match queue.finish(&claim, &result).await {
                Ok(true) => Ok(result),
                Ok(false) => Err(gone(&queue, &claim)),
                Err(error) => {
                    if error.is_invalid_document() {
                        let message = format!("the result: {error}");
                        queue.fail(&claim, &message, None).await?;
                    }
                    Err(error)
                }
            },
            Err((runs, message)) => {
                queue.fail_runs(&claim, &message, runs).await?;
                let attempts = taken.attempts.saturating_add(runs);
                let kind = ErrorKind::JobFailed { attempts, message };
                Err(Error::new(OPERATION, kind).at(key_of(&queue, &claim)))
            }
        }
    }
}

/// Runs the handler until it succeeds or has no attempts left, of which some may have failed before. Says of a
/// failure how many runs failed here.
async fn attempts<T, R, F, Fut, E>(
    queue: &Queue<T>,
    item: &Item<T>,
    before: u32,
    handler: &F,
) -> std::result::Result<R, (u32, String)>
where
    T: Document + Clone,
    F: Fn(Item<T>) -> Fut,
    Fut: Future<Output = std::result::Result<R, E>>,
    E: Display,
{
    let schema = queue.schema();
    let mut attempt = 1;
    loop {
        let run = handler(item.clone());
        let ended = match schema.timeout {
            None => run.await.map_err(|error| error.to_string()),
            Some(limit) => match timeout(limit, run).await {
                Ok(ended) => ended.map_err(|error| error.to_string()),
                Err(_) => Err(format!("timed out after {limit:?}")),
            },
        };
        match ended {
            Ok(result) => return Ok(result),
            Err(message) if before.saturating_add(attempt) > schema.retries.unwrap_or(0) => {
                return Err((attempt, message));
            }
            Err(_) => {
                sleep(schema.retry_delay.unwrap_or(RETRY_DELAY)).await;
                attempt += 1;
            }
        }
    }
}

/// Keeps the claim; returns when it is lost.
async fn keep<T: Document>(queue: &Queue<T>, claim: &Claim) {
    let mut ticks = interval_at(Instant::now() + LEASE / 3, LEASE / 3);
    loop {
        ticks.tick().await;
        let renewal = queue.renew(std::slice::from_ref(claim), LEASE).await;
        if renewal.is_ok_and(|held| held != [true]) {
            return;
        }
    }
}

fn key_of<T: Document>(queue: &Queue<T>, claim: &Claim) -> String {
    queue.repo().address().transformation(&claim.item, queue.schema().name)
}

fn gone<T: Document>(queue: &Queue<T>, claim: &Claim) -> Error {
    Error::new(OPERATION, ErrorKind::JobGone).at(key_of(queue, claim))
}
