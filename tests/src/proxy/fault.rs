//! The faults of a proxy and where they happen in the traffic: one armed fault, or many random
//! ones.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

/// Where to cut a connection. Both sides are closed at that point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// Forward only this many further request bytes to the server.
    ///
    /// With less than a whole command the server never executes it. With 0 the cut comes with
    /// the first request byte.
    RequestAt(usize),
    /// Forward requests whole, but only this many further reply bytes to the client.
    ///
    /// With 0 the cut comes with the first reply byte: the server has executed the request and
    /// the client never receives the reply.
    ReplyAt(usize),
}

/// What can go wrong with the bytes of a request or of its reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The connection is cut at a byte.
    Cut(Cut),
    /// Half of the request's bytes reach the server, then the connection is closed.
    Halve,
    /// The request is held back for this long, and the connection stays open.
    Delay(Duration),
    /// The request is forwarded, and its bytes reach the server a second time after this long, on
    /// another connection. The second reply is read and discarded.
    Repeat(Duration),
    /// The client's connection is closed at once, and the request reaches the server after this
    /// long, on the connection that was opened for it.
    Late(Duration),
}

/// Kinds of random faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Disturbance {
    /// [`Fault::Cut`] within a request.
    CutRequest,
    /// [`Fault::Cut`] within a reply.
    CutReply,
    /// [`Fault::Halve`].
    Halve,
    /// [`Fault::Delay`], of requests and of replies.
    Delay,
    /// [`Fault::Repeat`].
    Repeat,
    /// [`Fault::Late`].
    Late,
}

/// Random faults: which, and how often.
#[derive(Debug, Clone)]
pub struct Disturbances {
    /// The kinds, all equally often.
    pub kinds: Vec<Disturbance>,
    /// How many chunks of requests pass for each fault, on average.
    pub one_in: u32,
    /// The longest time for which bytes are held back on an open connection.
    pub longest_delay: Duration,
    /// The longest time after which a request is repeated or delivered late.
    pub longest_hold: Duration,
    /// The longest time for which new connections are refused after one was closed by a fault.
    pub longest_outage: Duration,
    /// The seed of all choices.
    pub seed: u64,
}

/// What to do with a chunk of bytes that arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Forward the whole chunk.
    Forward,
    /// Forward this many bytes of it and close the connection.
    CutAfter(usize),
    /// Forward it after this long.
    Delay(Duration),
    /// Forward it, and once more after this long.
    Repeat(Duration),
    /// Close the client's connection, and forward it after this long.
    Late(Duration),
}

impl Verdict {
    /// How many of `length` bytes to forward at once.
    pub(super) fn forwarded(self, length: usize) -> usize {
        match self {
            Self::Forward | Self::Delay(_) | Self::Repeat(_) => length,
            Self::CutAfter(count) => count,
            Self::Late(_) => 0,
        }
    }
}

/// Identifies a connection of the proxy.
pub(super) type ConnectionId = u64;

/// The armed fault, if any, the random faults, and the counts of earlier faults.
#[derive(Debug, Default)]
pub(super) struct Faults {
    armed: Option<Armed>,
    fired: bool,
    cuts: u64,
    chance: Option<Chance>,
    disturbed: BTreeMap<Disturbance, u64>,
}

#[derive(Debug)]
struct Armed {
    fault: Fault,
    /// The requests that count begin with the chunk that completes these bytes.
    needle: Vec<u8>,
    /// The last request bytes of each connection, since a needle may lie across two chunks.
    tails: HashMap<ConnectionId, Vec<u8>>,
    /// The connection that carried the matching traffic. Only this one is cut.
    target: Option<ConnectionId>,
    /// How many bytes still pass before the cut.
    left: usize,
}

#[derive(Debug)]
struct Chance {
    settings: Disturbances,
    random: fastrand::Rng,
    /// The connections whose next reply is cut.
    replies: HashMap<ConnectionId, Disturbance>,
}

impl Faults {
    /// Replaces the armed fault. An empty needle matches any traffic.
    pub(super) fn arm(&mut self, needle: &[u8], fault: Fault) {
        let left = match fault {
            Fault::Cut(Cut::RequestAt(left) | Cut::ReplyAt(left)) => left,
            _ => 0,
        };
        self.fired = false;
        let (needle, tails) = (needle.to_vec(), HashMap::new());
        self.armed = Some(Armed { fault, needle, tails, target: None, left });
    }

    pub(super) fn disarm(&mut self) {
        self.armed = None;
    }

    /// Enables or disables random faults.
    pub(super) fn disturb(&mut self, settings: Option<Disturbances>) {
        self.chance = settings.map(|settings| {
            let random = fastrand::Rng::with_seed(settings.seed);
            Chance { settings, random, replies: HashMap::new() }
        });
    }

    /// The number of random faults of each kind so far.
    pub(super) fn disturbed(&self) -> BTreeMap<Disturbance, u64> {
        self.disturbed.clone()
    }

    /// True when the fault that was armed last has happened.
    pub(super) fn fired(&self) -> bool {
        self.fired
    }

    /// The number of armed faults that have happened so far.
    pub(super) fn cuts(&self) -> u64 {
        self.cuts
    }

    /// For how long new connections are refused after a fault has closed one.
    pub(super) fn outage(&mut self) -> Duration {
        self.chance.as_mut().map_or(Duration::ZERO, |chance| {
            let longest = chance.settings.longest_outage;
            chance.up_to(longest)
        })
    }

    /// Decides about bytes on their way to the server.
    pub(super) fn on_request(&mut self, connection: ConnectionId, chunk: &[u8]) -> Verdict {
        if let Some(armed) = &mut self.armed {
            match armed.fault {
                Fault::Cut(Cut::RequestAt(_)) => {
                    if armed.target.is_none() && armed.matches(connection, chunk) {
                        armed.target = Some(connection);
                    }
                    return self.count(connection, chunk.len());
                }
                // Without a needle the first reply decides, which may answer an earlier request.
                Fault::Cut(Cut::ReplyAt(_)) => {
                    let waits_for_needle = armed.target.is_none() && !armed.needle.is_empty();
                    if waits_for_needle && armed.matches(connection, chunk) {
                        armed.target = Some(connection);
                    }
                    return Verdict::Forward;
                }
                fault => {
                    if !armed.matches(connection, chunk) {
                        return Verdict::Forward;
                    }
                    self.strike();
                    return match fault {
                        Fault::Delay(time) => Verdict::Delay(time),
                        Fault::Repeat(time) => Verdict::Repeat(time),
                        Fault::Late(time) => Verdict::Late(time),
                        Fault::Halve | Fault::Cut(_) => Verdict::CutAfter(chunk.len() / 2),
                    };
                }
            }
        }
        self.by_chance(connection, chunk.len())
    }

    /// Decides about bytes on their way to the client.
    pub(super) fn on_reply(&mut self, connection: ConnectionId, chunk: &[u8]) -> Verdict {
        match &mut self.armed {
            Some(armed) if matches!(armed.fault, Fault::Cut(Cut::ReplyAt(_))) => {
                if armed.needle.is_empty() {
                    armed.target.get_or_insert(connection);
                }
                self.count(connection, chunk.len())
            }
            Some(_) => Verdict::Forward,
            None => self.reply_by_chance(connection, chunk.len()),
        }
    }

    /// Lets the remaining bytes of the target pass and then causes the fault.
    fn count(&mut self, connection: ConnectionId, length: usize) -> Verdict {
        match &mut self.armed {
            Some(armed) if armed.target == Some(connection) => {
                if length < armed.left {
                    armed.left -= length;
                    return Verdict::Forward;
                }
                let verdict = Verdict::CutAfter(armed.left);
                self.strike();
                verdict
            }
            _ => Verdict::Forward,
        }
    }

    fn strike(&mut self) {
        self.armed = None;
        self.fired = true;
        self.cuts += 1;
    }

    fn by_chance(&mut self, connection: ConnectionId, length: usize) -> Verdict {
        let Some(chance) = &mut self.chance else { return Verdict::Forward };
        if chance.settings.kinds.is_empty() || chance.random.u32(..chance.settings.one_in) != 0 {
            return Verdict::Forward;
        }
        let kind = chance.settings.kinds[chance.random.usize(..chance.settings.kinds.len())];
        let (delay, hold) = (chance.settings.longest_delay, chance.settings.longest_hold);
        let verdict = match kind {
            Disturbance::CutRequest => Verdict::CutAfter(chance.random.usize(..length)),
            Disturbance::Halve => Verdict::CutAfter(length / 2),
            Disturbance::Repeat => Verdict::Repeat(chance.up_to(hold)),
            Disturbance::Late => Verdict::Late(chance.up_to(hold)),
            Disturbance::Delay if chance.random.bool() => Verdict::Delay(chance.up_to(delay)),
            Disturbance::Delay | Disturbance::CutReply => {
                chance.replies.insert(connection, kind);
                Verdict::Forward
            }
        };
        *self.disturbed.entry(kind).or_default() += 1;
        verdict
    }

    fn reply_by_chance(&mut self, connection: ConnectionId, length: usize) -> Verdict {
        let Some(chance) = &mut self.chance else { return Verdict::Forward };
        match chance.replies.remove(&connection) {
            Some(Disturbance::Delay) => {
                let longest = chance.settings.longest_delay;
                Verdict::Delay(chance.up_to(longest))
            }
            // Often at the first byte, so that nothing of the answer gets through.
            Some(_) if chance.random.bool() => Verdict::CutAfter(0),
            Some(_) => Verdict::CutAfter(chance.random.usize(..length)),
            None => Verdict::Forward,
        }
    }
}

impl Chance {
    fn up_to(&mut self, longest: Duration) -> Duration {
        let millis = u64::try_from(longest.as_millis()).expect("a delay should be short");
        Duration::from_millis(self.random.u64(..=millis))
    }
}

impl Armed {
    /// True when the needle ends within this chunk.
    fn matches(&mut self, connection: ConnectionId, chunk: &[u8]) -> bool {
        let length = self.needle.len();
        if length == 0 {
            return true;
        }
        let tail = self.tails.entry(connection).or_default();
        tail.extend_from_slice(chunk);
        let found = tail.windows(length).any(|window| window == self.needle);
        // One byte less than the needle, so that the same occurrence is never found twice.
        let superfluous = tail.len().saturating_sub(length - 1);
        tail.drain(..superfluous);
        found
    }
}
