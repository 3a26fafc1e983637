//! `LeaseKeeper`: the thread that renews leases.
//!
//! It has a runtime and connections of its own. So a worker keeps its jobs while handlers block all
//! threads of the other runtime, and while large results occupy the other connection.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use metastore::Store;
use metastore::queue::{Claim, QueueSet};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;
use tokio::time::{sleep_until, timeout};

use super::table::{DueLease, LeaseTable, LocalId};
use crate::handler::ErasedHandler;

/// How long to wait before a confirmation is repeated that has failed.
const RETRY_PAUSE: Duration = Duration::from_millis(200);

/// What the keeper reports to the engine.
pub(crate) enum LeaseEvent {
    /// The worker no longer holds these jobs.
    Lost(Vec<LocalId>),
    /// Handlers that waited for the confirmation of these jobs can start.
    Confirmed(Vec<LocalId>),
}

/// The leases of a worker. Dropping it ends the thread.
pub(crate) struct LeaseKeeper {
    /// The leases of each store.
    pub(crate) tables: Vec<Arc<LeaseTable>>,
    pub(crate) events: UnboundedReceiver<LeaseEvent>,
}

impl LeaseKeeper {
    /// Starts the thread.
    pub(crate) fn start(
        stores: &[Store],
        handlers: &[Arc<dyn ErasedHandler>],
        lease: Duration,
    ) -> io::Result<Self> {
        let (sender, events) = unbounded_channel();
        let mut tables = Vec::with_capacity(stores.len());
        let mut keepers = Vec::with_capacity(stores.len());
        for store in stores {
            let is_same = |handler: &&Arc<dyn ErasedHandler>| handler.store().is_same_as(store);
            let table = Arc::new(LeaseTable::new());
            tables.push(table.clone());
            keepers.push(StoreKeeper {
                store: store.clone(),
                handlers: handlers.iter().filter(is_same).cloned().collect(),
                own: None,
                table,
                lease,
                events: sender.clone(),
                is_failing: false,
            });
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let run = move || {
            runtime.block_on(async {
                let keepers: JoinSet<()> = keepers.into_iter().map(StoreKeeper::run).collect();
                keepers.join_all().await;
            });
        };
        std::thread::Builder::new().name("metastore-leases".to_owned()).spawn(run)?;
        Ok(Self { tables, events })
    }
}

impl Drop for LeaseKeeper {
    fn drop(&mut self) {
        for table in &self.tables {
            table.close();
        }
    }
}

/// Renews the leases of one store.
struct StoreKeeper {
    store: Store,
    /// The handlers whose queues are in the store, in the order of their numbers.
    handlers: Vec<Arc<dyn ErasedHandler>>,
    /// The queues on the keeper's own connection.
    own: Option<QueueSet>,
    table: Arc<LeaseTable>,
    lease: Duration,
    events: UnboundedSender<LeaseEvent>,
    /// Whether the last renewal failed; logged once.
    is_failing: bool,
}

impl StoreKeeper {
    async fn run(mut self) {
        let interval = self.lease / 3;
        self.connect().await;
        let mut renew_at = Instant::now() + interval;
        loop {
            let now = Instant::now();
            let is_due = now >= renew_at;
            if is_due {
                renew_at = now + interval;
            }
            let Some(leases) = self.table.due(is_due, now) else { return };
            if !leases.is_empty() {
                self.renew(leases).await;
            }
            let until = self.table.next_time().map_or(renew_at, |at| at.min(renew_at));
            tokio::select! {
                () = self.table.wake.notified() => {}
                () = sleep_until(until.into()) => {}
            }
        }
    }

    /// Opens the keeper's own connection, unless it is open. Until then the connection of the store
    /// serves.
    async fn connect(&mut self) {
        if self.own.is_some() {
            return;
        }
        match timeout(self.lease / 3, self.store.open_second_connection()).await {
            Ok(Ok(store)) => self.own = Some(self.queues(&store)),
            Ok(Err(error)) => {
                tracing::debug!(%error, "cannot open a second connection to renew leases");
            }
            Err(_) => tracing::debug!("a second connection to renew leases takes too long"),
        }
    }

    fn queues(&self, store: &Store) -> QueueSet {
        let mut set = QueueSet::new(store);
        for handler in &self.handlers {
            handler.add_to(&mut set);
        }
        set
    }

    async fn renew(&mut self, leases: Vec<DueLease>) {
        self.connect().await;
        let claims: Vec<(usize, &Claim)> =
            leases.iter().map(|lease| (lease.queue, &lease.claim)).collect();
        let shared;
        let set = match &self.own {
            Some(own) => own,
            None => {
                shared = self.queues(&self.store);
                &shared
            }
        };
        // A renewal that takes longer is repeated: nothing is known of the leases until then.
        match timeout(self.lease / 3, set.renew(&claims, self.lease)).await {
            Ok(Ok(held)) => self.renewed(&leases, &held),
            Ok(Err(error)) => self.failed(&leases, Some(error)),
            Err(_) => self.failed(&leases, None),
        }
    }

    fn renewed(&mut self, leases: &[DueLease], held: &[bool]) {
        if std::mem::take(&mut self.is_failing) {
            tracing::info!("can renew leases again");
        }
        let (mut lost, mut confirmed) = (Vec::new(), Vec::new());
        for (lease, held) in leases.iter().zip(held) {
            if !held {
                lost.push(lease.id);
            } else if lease.is_awaited {
                confirmed.push(lease.id);
            }
        }
        self.table.remove(lost.iter().copied());
        self.table.confirmed(&confirmed);
        // The receiver is gone only if the worker has ended.
        if !confirmed.is_empty() {
            let _ = self.events.send(LeaseEvent::Confirmed(confirmed));
        }
        if !lost.is_empty() {
            let _ = self.events.send(LeaseEvent::Lost(lost));
        }
    }

    /// While the server is unavailable, no other worker can take the jobs either, so they continue.
    /// The fence decides in the end.
    fn failed(&mut self, leases: &[DueLease], error: Option<metastore::Error>) {
        self.table.retry(leases, Instant::now() + RETRY_PAUSE);
        if !std::mem::replace(&mut self.is_failing, true) {
            let error = error.map_or_else(|| "no reply in time".to_owned(), |e| e.to_string());
            tracing::warn!(error, "cannot renew leases; the handlers continue");
        }
    }
}
