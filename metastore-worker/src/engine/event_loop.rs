//! The event loop: waiting for events and deadlines.

use tokio::task::JoinError;
use tokio::time::{Instant, sleep_until};

use super::event::BackgroundEvent;
use super::state::{Engine, Mode};
use crate::report::Report;

impl Engine {
    pub(crate) async fn run(mut self) -> Report {
        let mut subscriptions = self.subscribe();
        let mut poll_at = Instant::now() + self.config.poll_interval;
        while !self.stop.is_cancelled() && !self.is_done() {
            self.process();
            let maintenance_at = self.maintenance.next_time();
            let wait_until = self.next_deadline().min(poll_at).min(maintenance_at);
            tokio::select! {
                () = self.stop.cancelled() => {}
                () = self.control.wake.notified() => {}
                Some(ended) = self.tasks.join_next() => self.call_ended(ended),
                Some(event) = self.keeper.events.recv() => self.handle_lease_event(event),
                Some(event) = self.background.join_next() => self.handle_event(event),
                () = sleep_until(wait_until) => {}
            }
            // Other handlers that are about to end do so first, and are recorded by the same round
            // trip.
            tokio::task::yield_now().await;
            let now = Instant::now();
            self.handle_deadlines(now);
            if now >= poll_at {
                self.poll();
                poll_at = now + self.config.poll_interval;
            }
            self.maintain(now);
        }
        subscriptions.shutdown().await;
        self.drain().await;
        self.control.status().report = self.report;
        self.report
    }

    /// Processes all pending events, then records completions and takes jobs.
    pub(super) fn process(&mut self) {
        while let Some(ended) = self.tasks.try_join_next() {
            self.call_ended(ended);
        }
        while let Some(event) = self.background.try_join_next() {
            self.handle_event(event);
        }
        while let Ok(event) = self.keeper.events.try_recv() {
            self.handle_lease_event(event);
        }
        if !self.blocking.is_empty() {
            self.end_blocking_calls();
        }
        self.dispatch();
        if self.mode == Mode::UntilIdle && self.is_drained() {
            self.poll();
        }
        let mut status = self.control.status();
        status.report = self.report;
        status.heartbeat = std::time::Instant::now();
    }

    pub(super) fn handle_event(&mut self, event: Result<BackgroundEvent, JoinError>) {
        match event {
            Ok(BackgroundEvent::Exchanged { queue, completions, take, exchange }) => {
                self.exchanged(queue, completions, take, exchange);
            }
            Ok(BackgroundEvent::Polled { store, stats }) => self.polled(store, stats),
            Ok(BackgroundEvent::Reaped) => self.reaped(),
            Ok(BackgroundEvent::Checked { number, found }) => self.checked(number, found),
            // A bug of this crate. The jobs return to the queue when their leases expire.
            Err(error) => tracing::error!(%error, "a background task of the worker failed"),
        }
    }
}
