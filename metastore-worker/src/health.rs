//! Whether a worker can do its work.

use std::time::{Duration, Instant};

use tokio::time::timeout;

use crate::control::Control;

/// How long a message to itself may take.
const ECHO: Duration = Duration::from_secs(2);

/// What a worker's health is; from [`RunningWorker::health`](crate::RunningWorker::health).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Health {
    /// What is wrong, in words; empty if the worker is well.
    pub problems: Vec<String>,
}

impl Health {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        self.problems.is_empty()
    }
}

pub(crate) async fn examine(control: &Control, has_ended: bool) -> Health {
    let mut problems = Vec::new();
    if has_ended {
        return Health { problems: vec!["the worker has stopped".to_owned()] };
    }
    let before = control.seen().beat;
    control.wake.notify_one();
    for store in &control.stores {
        let server = store.server();
        match timeout(ECHO, store.hears_itself()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => problems.push(format!("{server} cannot be heard: {error}")),
            Err(_) => problems.push(format!("{server} does not deliver messages")),
        }
    }
    let patience = (control.poll_interval * 3).max(Duration::from_secs(3));
    let answered = timeout(ECHO, async {
        while control.seen().beat == before {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    if answered.await.is_err() {
        problems.push("the worker's loop does not go round".to_owned());
    }
    let seen = control.seen().clone();
    for (store, (at, error)) in control.stores.iter().zip(seen.contacts) {
        let ago = Instant::now().saturating_duration_since(at);
        if ago > patience {
            let why = error.map(|error| format!(": {error}")).unwrap_or_default();
            problems.push(format!("{} has not answered for {ago:.1?}{why}", store.server()));
        }
    }
    let deaf = seen.deaf.iter().filter(|deaf| **deaf).count();
    if deaf > 0 {
        problems.push(format!("{deaf} queues cannot be listened to"));
    }
    Health { problems }
}
