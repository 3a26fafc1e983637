//! The faults of a history, chosen by its seed.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use tokio::time::sleep;

use super::clients::Clients;
use crate::Server;
use crate::proxy::{Disturbance, Disturbances};

/// The faults of a history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FaultKind {
    /// Nothing.
    None,
    /// Connections are cut within requests and replies.
    Cut,
    /// Requests and replies are held back.
    Delay,
    /// Half of a request reaches the server, and the connection is closed.
    Halve,
    /// Requests reach the server twice.
    Repeat,
    /// Requests reach the server long after their connection was closed.
    Late,
    /// The server is suspended and continues.
    Freeze,
    /// The server loses its scripts.
    Flush,
    /// Clients are killed.
    Kill,
    /// The server is killed and started again, with each write on disk before its reply.
    Restart,
    /// All of them.
    Mixed,
}

impl FaultKind {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::None,
        Self::Cut,
        Self::Delay,
        Self::Halve,
        Self::Repeat,
        Self::Late,
        Self::Freeze,
        Self::Flush,
        Self::Kill,
        Self::Restart,
        Self::Mixed,
    ];

    /// The kind that follows from a seed, so that successive seeds have all of them.
    #[must_use]
    pub fn of(seed: u64) -> Self {
        let count = Self::ALL.len() as u64;
        Self::ALL[usize::try_from(seed % count).unwrap_or(0)]
    }

    /// Whether requests reach the server twice, or long after their client was answered.
    #[must_use]
    pub fn delivers_twice(self) -> bool {
        matches!(self, Self::Repeat | Self::Late | Self::Mixed)
    }

    /// Whether the server is killed.
    pub(super) fn restarts(self) -> bool {
        matches!(self, Self::Restart | Self::Mixed)
    }

    fn disturbances(self) -> Vec<Disturbance> {
        use Disturbance::{CutReply, CutRequest, Delay, Halve, Late, Repeat};
        match self {
            Self::Cut => vec![CutRequest, CutReply, CutReply],
            Self::Delay => vec![Delay],
            Self::Halve => vec![Halve],
            Self::Repeat => vec![Repeat],
            Self::Late => vec![Late],
            Self::Mixed => vec![CutRequest, CutReply, CutReply, Delay, Halve, Repeat, Late],
            _ => Vec::new(),
        }
    }

    /// The faults that the proxy of a process injects; `None` for none.
    pub(super) fn disturbances_of(self, seed: u64, timeout: Duration) -> Option<Disturbances> {
        let kinds = self.disturbances();
        (!kinds.is_empty()).then(|| Disturbances {
            kinds,
            one_in: 25,
            // Some of the delays are longer than a client waits.
            longest_delay: timeout * 2,
            longest_hold: Duration::from_millis(1_500),
            longest_outage: Duration::from_millis(150),
            seed,
        })
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = format!("{self:?}").to_lowercase();
        f.pad(&name)
    }
}

/// Faults of the server and of whole processes.
pub(super) struct Injector<'a> {
    pub(super) kind: FaultKind,
    pub(super) server: &'a Server,
    pub(super) timeout: Duration,
    pub(super) random: fastrand::Rng,
    pub(super) counts: BTreeMap<&'static str, u64>,
}

impl Injector<'_> {
    /// Injects one fault after the other until the processes have made their calls.
    pub(super) async fn run(&mut self, clients: &mut Clients) {
        while !clients.have_ended() {
            self.pause(5, 60).await;
            let kind = match self.kind {
                FaultKind::Mixed => {
                    let kinds =
                        [FaultKind::Freeze, FaultKind::Flush, FaultKind::Kill, FaultKind::Restart];
                    // The proxies inject most of the faults.
                    if self.random.u8(..4) != 0 {
                        continue;
                    }
                    kinds[self.random.usize(..kinds.len())]
                }
                kind => kind,
            };
            match kind {
                FaultKind::Freeze => {
                    self.count("freeze");
                    self.server.freeze();
                    let longest = u64::try_from(self.timeout.as_millis() * 2).unwrap_or(500);
                    self.pause(20, longest).await;
                    self.server.thaw();
                    self.pause(30, 200).await;
                }
                FaultKind::Flush => {
                    self.count("flush");
                    self.server.cli(&["SCRIPT", "FLUSH"]).await;
                }
                FaultKind::Kill => {
                    self.pause(50, 200).await;
                    if clients.kill_one(&mut self.random).await {
                        self.count("kill");
                    }
                }
                FaultKind::Restart => {
                    self.pause(50, 200).await;
                    self.count("restart");
                    self.server.kill();
                    self.server.restart().await;
                    self.pause(100, 300).await;
                }
                _ => {}
            }
        }
    }

    fn count(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }

    async fn pause(&mut self, least: u64, most: u64) {
        sleep(Duration::from_millis(self.random.u64(least..=most))).await;
    }
}
