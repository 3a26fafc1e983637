//! Faults of single requests and replies, many of them, at the same time as all others.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::sleep;

use crate::chaos::History;
use crate::{Cut, Fault, Proxy};

/// How often each proxy strikes, in milliseconds, at most and at least.
const INTERVAL: std::ops::RangeInclusive<u64> = 100..=260;

/// The longest time after which a request is delivered again, or late.
const LONGEST_HOLD: u64 = 1_500;

/// Arms one fault after the other at each proxy.
pub(crate) struct Requests {
    pub(crate) proxies: Arc<[Proxy]>,
    pub(crate) history: History,
    pub(crate) random: fastrand::Rng,
    pub(crate) quiet: watch::Receiver<bool>,
}

impl Requests {
    /// Injects faults until it is dropped.
    pub(crate) async fn inject(mut self) {
        let mut armed: Vec<Option<&'static str>> = vec![None; self.proxies.len()];
        loop {
            sleep(Duration::from_millis(self.random.u64(INTERVAL))).await;
            for (at, armed) in armed.iter_mut().enumerate() {
                let proxy = &self.proxies[at];
                if let Some(kind) = armed.take()
                    && proxy.fired()
                {
                    self.history.fault(kind, format!("at proxy {at}"));
                }
                proxy.disarm();
                if *self.quiet.borrow() {
                    continue;
                }
                let (kind, fault) = choose(&mut self.random);
                proxy.strike_when(b"", fault);
                *armed = Some(kind);
            }
        }
    }
}

fn choose(random: &mut fastrand::Rng) -> (&'static str, Fault) {
    let hold = Duration::from_millis(random.u64(..LONGEST_HOLD));
    match random.u8(..8) {
        0 => ("request cut", Fault::Cut(Cut::RequestAt(random.usize(..400)))),
        1 => ("reply cut", Fault::Cut(Cut::ReplyAt(0))),
        2 => ("reply cut", Fault::Cut(Cut::ReplyAt(random.usize(..400)))),
        3 => ("request halved", Fault::Halve),
        // A delay of a whole connection is often longer than a client waits.
        4 | 5 => ("request delayed", Fault::Delay(Duration::from_millis(random.u64(10..1_000)))),
        6 => ("request repeated", Fault::Repeat(hold)),
        _ => ("request delivered late", Fault::Late(hold)),
    }
}
