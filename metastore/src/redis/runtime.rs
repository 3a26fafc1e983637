//! The runtime in which a store was opened: the tasks of its connections run there and end with it.

use std::time::Duration;

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::command::Fault;

/// How long to wait for a current-thread runtime that another thread should be running. Longer than
/// any command with its retries takes.
const IDLE_RUNTIME_TIMEOUT: Duration = Duration::from_secs(60);

/// A handle to the runtime in which a store was opened, which also detects the end of that runtime.
#[derive(Clone)]
pub(crate) struct StoreRuntime {
    handle: Handle,
    /// Closed when the runtime ends.
    alive: watch::Receiver<()>,
}

impl StoreRuntime {
    /// The current runtime.
    pub(crate) fn current() -> Self {
        let handle = Handle::current();
        let (sender, alive) = watch::channel(());
        // A runtime that ends drops its tasks, and with this task the sender.
        handle.spawn(async move { sender.closed().await });
        Self { handle, alive }
    }

    /// Starts a task. If the runtime has ended, the task is dropped at once.
    pub(crate) fn spawn<F>(&self, task: F) -> JoinHandle<F::Output>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        self.handle.spawn(task)
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.alive.has_changed().is_err()
    }

    /// Whether the runtime has ended or is ending. An ending runtime drops its tasks one after
    /// another in no particular order, so the task of a reply may be gone before
    /// [`has_ended`](Self::has_ended) returns true. But it accepts no more tasks from its first
    /// step on.
    pub(crate) async fn is_ending(&self) -> bool {
        self.has_ended() || !matches!(self.answer(self.spawn(async {})).await, Ok(Ok(())))
    }

    /// Refuses a call that could never have a reply.
    pub(crate) fn check(&self) -> Result<(), Fault> {
        if self.has_ended() { Err(Fault::RuntimeEnded) } else { Ok(()) }
    }

    /// Waits for a reply from a task of this runtime. A current-thread runtime makes no progress
    /// while no thread runs it, so a caller in another runtime waits for a limited time.
    pub(crate) async fn answer<F: Future>(&self, answer: F) -> Result<F::Output, Fault> {
        let is_driven_elsewhere = self.handle.runtime_flavor() == RuntimeFlavor::CurrentThread
            && Handle::try_current().is_ok_and(|current| current.id() != self.handle.id());
        if !is_driven_elsewhere {
            return Ok(answer.await);
        }
        timeout(IDLE_RUNTIME_TIMEOUT, answer).await.map_err(|_| {
            Fault::Lost("the runtime in which the store was opened is not running".to_owned())
        })
    }
}
