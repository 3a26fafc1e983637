//! The health of a running worker.

use std::time::{Duration, Instant};

use tokio::time::timeout;

use crate::control::Control;

/// How long the event loop and a published message may take to respond.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(2);

/// The health of a worker; returned by [`RunningWorker::health`](crate::RunningWorker::health).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Health {
    /// Descriptions of what is wrong; empty if the worker is healthy.
    pub problems: Vec<String>,
}

impl Health {
    /// Whether there is no problem.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        self.problems.is_empty()
    }
}

pub(crate) async fn check(control: &Control, has_stopped: bool) -> Health {
    let mut problems = Vec::new();
    if has_stopped {
        return Health { problems: vec!["the worker has stopped".to_owned()] };
    }
    let before = control.status().heartbeat;
    control.wake.notify_one();
    for store in &control.stores {
        let server = store.server();
        match timeout(RESPONSE_TIMEOUT, store.check_pubsub()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                problems.push(format!("cannot publish and subscribe on {server}: {error}"));
            }
            Err(_) => problems.push(format!("{server} does not deliver published messages")),
        }
    }
    let responded = timeout(RESPONSE_TIMEOUT, async {
        while control.status().heartbeat == before {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    if responded.await.is_err() {
        problems.push("the event loop of the worker does not respond".to_owned());
    }
    let status = control.status().clone();
    let max_silence = (control.poll_interval * 3).max(Duration::from_secs(3));
    for (store, (at, error)) in control.stores.iter().zip(status.contacts) {
        let silence = Instant::now().saturating_duration_since(at);
        if silence > max_silence {
            let error = error.map(|error| format!(": {error}")).unwrap_or_default();
            problems.push(format!("{} has not replied for {silence:.1?}{error}", store.server()));
        }
    }
    let disconnected = status.disconnected.iter().filter(|disconnected| **disconnected).count();
    if disconnected > 0 {
        problems.push(format!("{disconnected} queues have no subscription"));
    }
    for (handler, reduced) in status.reduced.iter().enumerate() {
        let Some(slots) = reduced else { continue };
        let queue = control.label(handler);
        problems.push(format!(
            "jobs of {queue} are taken for at most {slots} handlers at once, because the server \
             did not reply when more were taken"
        ));
    }
    Health { problems }
}
