//! Running a transformation in the caller's process.

use std::error::Error as StdError;
use std::future::Future;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::{Instant, interval_at, sleep, timeout};

use crate::document::Document;
use crate::document::item::Item;
use crate::error::{Error, ErrorKind, Result};
use crate::job::current::CurrentJobs;
use crate::job::fatal::{Fatal, failure_message};
use crate::job::item_transformation::ItemTransformation;
use crate::job::queue::{Claim, Queue};

const OPERATION: &str = "run";

/// How long the claim is valid if this process stops. It is renewed three times in this time.
const LEASE: Duration = Duration::from_secs(30);

/// The default delay before a retry.
const RETRY_DELAY: Duration = Duration::from_millis(100);

/// The failure of all runs of one call.
struct Failure {
    /// How many runs failed.
    runs: u32,
    message: String,
}

impl<T: Document, R: Serialize + DeserializeOwned> ItemTransformation<'_, T, R> {
    /// Runs the transformation in this process, stores its result as a worker does, and returns it.
    ///
    /// Use it for transformations with `mode = inline`, which need no worker, or to run any other
    /// transformation at once. The run is a job like any other: each item has at most one run at a
    /// time, status and result are the same, and a failed job goes to the dead-letter set. An error
    /// marked as [`Fatal`](crate::Fatal) is not retried. If this process dies, a call of `run_with`
    /// can claim the job after 30 seconds. The timeout and the retries are those of the
    /// transformation; default: no timeout and no retries.
    ///
    /// Two round trips, and one more every ten seconds to renew the claim.
    ///
    /// # Errors
    ///
    /// `JobRunning` if the transformation of this item is already running, in this process or
    /// another one; `JobFailed` with the last error of the handler; `JobGone` if the claim was lost
    /// while the handler ran; `NotFound`, `Decode`, `Unavailable`; and for the result as
    /// [`Queue::finish`].
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
    /// let shout =
    ///     |item: Item<Note>| async move { Ok::<_, String>(item.data.title.to_uppercase()) };
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
        E: Into<Box<dyn StdError + Send + Sync>>,
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
            let item =
                taken.item.map_err(|error| Failure { runs: 1, message: error.to_string() })?;
            let current = CurrentJobs::new(repo, queue.schema().name, vec![id.clone()]);
            current.scope(run_attempts(&queue, &item, taken.attempts, &handler)).await
        };
        let completed = tokio::select! {
            completed = run => completed,
            () = renew_until_lost(&queue, &claim) => return Err(gone(&queue, &claim)),
        };
        match completed {
            Ok(result) => match queue.finish(&claim, &result).await {
                Ok(true) => Ok(result),
                Ok(false) => Err(gone(&queue, &claim)),
                Err(error) => {
                    if error.is_invalid_document() {
                        let message = format!("cannot encode the result: {error}");
                        queue.fail(&claim, &message, None).await?;
                    }
                    Err(error)
                }
            },
            Err(Failure { runs, message }) => {
                queue.fail_runs(&claim, &message, runs).await?;
                let attempts = taken.attempts.saturating_add(runs);
                let kind = ErrorKind::JobFailed { attempts, message };
                Err(Error::new(OPERATION, kind).at(key_of(&queue, &claim)))
            }
        }
    }
}

/// Runs the handler until it succeeds, fails with a [`Fatal`] error or has no retries left.
/// `before` is the number of attempts that failed earlier.
async fn run_attempts<T, R, F, Fut, E>(
    queue: &Queue<T>,
    item: &Item<T>,
    before: u32,
    handler: &F,
) -> std::result::Result<R, Failure>
where
    T: Document + Clone,
    F: Fn(Item<T>) -> Fut,
    Fut: Future<Output = std::result::Result<R, E>>,
    E: Into<Box<dyn StdError + Send + Sync>>,
{
    let schema = queue.schema();
    let mut runs = 1;
    loop {
        let run = handler(item.clone());
        let ended = match schema.timeout {
            None => Ok(run.await),
            Some(limit) => timeout(limit, run).await.map_err(|_| limit),
        };
        let (message, is_fatal) = match ended {
            Ok(Ok(result)) => return Ok(result),
            Ok(Err(error)) => {
                let error = error.into();
                (failure_message(&*error), Fatal::is_in(&*error))
            }
            Err(limit) => (format!("timed out after {limit:?}"), false),
        };
        if is_fatal || before.saturating_add(runs) > schema.retries.unwrap_or(0) {
            return Err(Failure { runs, message });
        }
        sleep(schema.retry_delay.unwrap_or(RETRY_DELAY)).await;
        runs += 1;
    }
}

/// Renews the claim; returns when it is lost.
async fn renew_until_lost<T: Document>(queue: &Queue<T>, claim: &Claim) {
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
