//! The one fault a proxy is armed with, and the decision where in the traffic it strikes.

use std::collections::HashMap;

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
    /// the client never hears of it.
    ReplyAt(usize),
}

/// What to do with a chunk of bytes that arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Forward the whole chunk.
    Forward,
    /// Forward this many bytes of it and close the connection.
    CutAfter(usize),
}

impl Verdict {
    /// How many of `length` bytes to forward.
    pub(super) fn forwarded(self, length: usize) -> usize {
        match self {
            Self::Forward => length,
            Self::CutAfter(count) => count,
        }
    }
}

/// Identifies a connection of the proxy.
pub(super) type ConnectionId = u64;

/// The armed fault, if any, and what became of the earlier ones.
#[derive(Debug, Default)]
pub(super) struct Faults {
    armed: Option<Armed>,
    fired: bool,
    cuts: u64,
}

#[derive(Debug)]
struct Armed {
    cut: Cut,
    /// The requests that count begin with the chunk that completes these bytes.
    needle: Vec<u8>,
    /// The last request bytes of each connection, since a needle may lie across two chunks.
    tails: HashMap<ConnectionId, Vec<u8>>,
    /// The connection that carried the matching traffic. Only this one is cut.
    target: Option<ConnectionId>,
    /// How many bytes still pass before the cut.
    left: usize,
}

impl Faults {
    /// Replaces the armed fault. An empty needle matches any traffic.
    pub(super) fn arm(&mut self, needle: &[u8], cut: Cut) {
        let (Cut::RequestAt(left) | Cut::ReplyAt(left)) = cut;
        self.fired = false;
        self.armed =
            Some(Armed { cut, needle: needle.to_vec(), tails: HashMap::new(), target: None, left });
    }

    pub(super) fn disarm(&mut self) {
        self.armed = None;
    }

    /// True when the fault that was armed last has struck.
    pub(super) fn fired(&self) -> bool {
        self.fired
    }

    /// The number of faults that have struck so far.
    pub(super) fn cuts(&self) -> u64 {
        self.cuts
    }

    /// Judges bytes on their way to the server.
    pub(super) fn on_request(&mut self, connection: ConnectionId, chunk: &[u8]) -> Verdict {
        let Some(armed) = &mut self.armed else {
            return Verdict::Forward;
        };
        match armed.cut {
            Cut::RequestAt(_) => {
                if armed.target.is_none() && armed.matches(connection, chunk) {
                    armed.target = Some(connection);
                }
                self.count(connection, chunk.len())
            }
            // Without a needle the first reply decides, which may answer an earlier request.
            Cut::ReplyAt(_) => {
                let waits_for_needle = armed.target.is_none() && !armed.needle.is_empty();
                if waits_for_needle && armed.matches(connection, chunk) {
                    armed.target = Some(connection);
                }
                Verdict::Forward
            }
        }
    }

    /// Judges bytes on their way to the client.
    pub(super) fn on_reply(&mut self, connection: ConnectionId, chunk: &[u8]) -> Verdict {
        match &mut self.armed {
            Some(armed) if matches!(armed.cut, Cut::ReplyAt(_)) => {
                if armed.needle.is_empty() {
                    armed.target.get_or_insert(connection);
                }
                self.count(connection, chunk.len())
            }
            _ => Verdict::Forward,
        }
    }

    /// Lets bytes of the target pass until none are left, and strikes then.
    fn count(&mut self, connection: ConnectionId, length: usize) -> Verdict {
        match &mut self.armed {
            Some(armed) if armed.target == Some(connection) => {
                if length < armed.left {
                    armed.left -= length;
                    return Verdict::Forward;
                }
                let verdict = Verdict::CutAfter(armed.left);
                self.armed = None;
                self.fired = true;
                self.cuts += 1;
                verdict
            }
            _ => Verdict::Forward,
        }
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
