//! What all connections of a proxy share: counters, switches and the armed fault.

use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};

use super::fault::{ConnectionId, Faults, Verdict};

/// The shared state of a proxy.
#[derive(Debug)]
pub(super) struct Traffic {
    /// The port that new connections are forwarded to.
    pub(super) server_port: AtomicU16,
    pub(super) round_trips: AtomicU64,
    pub(super) bytes_up: AtomicU64,
    pub(super) bytes_down: AtomicU64,
    pub(super) connections: AtomicU64,
    pub(super) refusing: AtomicBool,
    pub(super) paused: watch::Sender<bool>,
    /// How long a client is silent before it gets a reply, in microseconds.
    reply_delay: AtomicU64,
    /// How long the line takes for requests and for replies, in microseconds.
    latency: [AtomicU64; 2],
    /// Every change closes the connections that are open at that time.
    pub(super) drops: watch::Sender<u64>,
    /// Every change delivers what is held.
    pub(super) release: watch::Sender<u64>,
    /// How many requests are held to be repeated or delivered late.
    held: watch::Sender<usize>,
    /// New connections are refused until then.
    outage: Mutex<Option<Instant>>,
    faults: Mutex<Faults>,
}

impl Traffic {
    pub(super) fn new(server_port: u16) -> Self {
        Self {
            server_port: AtomicU16::new(server_port),
            round_trips: AtomicU64::new(0),
            bytes_up: AtomicU64::new(0),
            bytes_down: AtomicU64::new(0),
            connections: AtomicU64::new(0),
            refusing: AtomicBool::new(false),
            paused: watch::Sender::new(false),
            reply_delay: AtomicU64::new(0),
            latency: [AtomicU64::new(0), AtomicU64::new(0)],
            drops: watch::Sender::new(0),
            release: watch::Sender::new(0),
            held: watch::Sender::new(0),
            outage: Mutex::new(None),
            faults: Mutex::new(Faults::default()),
        }
    }

    pub(super) fn faults(&self) -> MutexGuard<'_, Faults> {
        lock(&self.faults)
    }

    /// Counts request bytes and decides how many of them pass.
    pub(super) fn on_request(&self, link: &Link, chunk: &[u8]) -> Verdict {
        *lock(&link.last_request) = Instant::now();
        // The trip is counted before its bytes go out, so that a client that has its reply finds
        // it counted.
        if !link.is_waiting.swap(true, Ordering::SeqCst) {
            self.round_trips.fetch_add(1, Ordering::SeqCst);
        }
        let verdict = self.faults().on_request(link.id, chunk);
        let passed = verdict.forwarded(chunk.len()) as u64;
        self.bytes_up.fetch_add(passed, Ordering::SeqCst);
        verdict
    }

    /// Counts reply bytes and decides how many of them pass.
    pub(super) fn on_reply(&self, link: &Link, chunk: &[u8]) -> Verdict {
        // This comes before the reply goes out as well, because the client's next request may
        // follow at once.
        link.is_waiting.store(false, Ordering::SeqCst);
        let verdict = self.faults().on_reply(link.id, chunk);
        let passed = verdict.forwarded(chunk.len()) as u64;
        self.bytes_down.fetch_add(passed, Ordering::SeqCst);
        verdict
    }

    /// True when a new connection is to be closed at once.
    pub(super) fn refuses(&self) -> bool {
        let is_out = lock(&self.outage).is_some_and(|end| Instant::now() < end);
        is_out || self.refusing.load(Ordering::SeqCst)
    }

    /// Records that a fault has closed a connection.
    pub(super) fn closed_by_fault(&self) {
        let outage = self.faults().outage();
        if !outage.is_zero() {
            *lock(&self.outage) = Some(Instant::now() + outage);
        }
    }

    /// Counts a request as held until the guard is dropped.
    pub(super) fn hold(self: &Arc<Self>) -> Held {
        self.held.send_modify(|held| *held += 1);
        Held { traffic: Arc::clone(self), release: self.release.subscribe() }
    }

    pub(super) async fn wait_until_nothing_is_held(&self) {
        let mut held = self.held.subscribe();
        let _ = held.wait_for(|held| *held == 0).await;
    }

    /// Returns at once unless the proxy is paused, else when it is resumed.
    pub(super) async fn wait_while_paused(&self) {
        let mut paused = self.paused.subscribe();
        // An error would mean that the sender is gone, and it lives as long as `self`.
        let _ = paused.wait_for(|paused| !paused).await;
    }

    pub(super) fn set_reply_delay(&self, delay: Duration) {
        self.reply_delay.store(micros(delay), Ordering::SeqCst);
    }

    pub(super) fn set_latency(&self, requests: Duration, replies: Duration) {
        for (latency, time) in self.latency.iter().zip([requests, replies]) {
            latency.store(micros(time), Ordering::SeqCst);
        }
    }

    /// Waits as long as the line takes in this direction.
    pub(super) async fn cross(&self, direction: Direction) {
        let latency = self.latency[direction as usize].load(Ordering::SeqCst);
        if latency > 0 {
            sleep(Duration::from_micros(latency)).await;
        }
    }

    /// Holds a reply back until the client has been silent for as long as the test wants.
    pub(super) async fn delay_reply(&self, link: &Link) {
        let delay = Duration::from_micros(self.reply_delay.load(Ordering::SeqCst));
        // Even an empty sleep of tokio takes up to a millisecond, so there is none without need.
        while link.last_request().elapsed() < delay {
            sleep_until(link.last_request() + delay).await;
        }
    }
}

/// Where bytes go.
#[derive(Clone, Copy, Debug)]
pub(super) enum Direction {
    /// To the server.
    Request,
    /// To the client.
    Reply,
}

/// A request that is held.
pub(super) struct Held {
    traffic: Arc<Traffic>,
    release: watch::Receiver<u64>,
}

impl Held {
    /// Waits this long, or until the test wants it delivered.
    pub(super) async fn wait(&mut self, time: Duration) {
        let _ = tokio::time::timeout(time, self.release.changed()).await;
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.traffic.held.send_modify(|held| *held -= 1);
    }
}

/// What the two directions of one connection share.
#[derive(Debug)]
pub(super) struct Link {
    id: ConnectionId,
    /// True from the first bytes of a request until the first bytes of a reply.
    is_waiting: AtomicBool,
    /// When request bytes arrived last.
    last_request: Mutex<Instant>,
}

impl Link {
    pub(super) fn new(id: ConnectionId) -> Self {
        Self { id, is_waiting: AtomicBool::new(false), last_request: Mutex::new(Instant::now()) }
    }

    fn last_request(&self) -> Instant {
        *lock(&self.last_request)
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).expect("a delay should be short")
}

/// Locks without regard to poison: nothing panics while it holds one of these locks.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
