//! How a test controls the traffic: cut it, stop it, slow it down, deliver it late or twice.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use super::{Cut, Disturbance, Disturbances, Fault, Proxy};

impl Proxy {
    /// Arms a one-shot fault for the next traffic, on any connection: the next
    /// request bytes for [`Cut::RequestAt`], the next reply bytes for [`Cut::ReplyAt`].
    ///
    /// It replaces a fault that is still armed.
    pub fn cut_next(&self, cut: Cut) {
        self.traffic.faults().arm(b"", Fault::Cut(cut));
    }

    /// Arms a one-shot fault that waits until request bytes containing `needle` pass, for example
    /// a key name, and then cuts the connection that carried them.
    ///
    /// [`Cut::RequestAt`] counts from the start of the chunk, as it arrived, that completes the
    /// needle. [`Cut::ReplyAt`] counts the reply bytes after that chunk; they include the replies
    /// to requests that were in flight on the same connection already. Either way the server
    /// receives every forwarded request before its connection closes.
    pub fn cut_when(&self, needle: &[u8], cut: Cut) {
        self.strike_when(needle, Fault::Cut(cut));
    }

    /// Arms a one-shot fault that waits until request bytes containing `needle` pass. Anything but
    /// a cut happens to the chunk, as it arrived, that completes the needle.
    pub fn strike_when(&self, needle: &[u8], fault: Fault) {
        self.traffic.faults().arm(needle, fault);
    }

    /// Enables random faults, except while a fault is armed.
    pub fn disturb(&self, disturbances: Disturbances) {
        self.traffic.faults().disturb(Some(disturbances));
    }

    /// Disables random faults. Requests that are held already are still delivered.
    pub fn calm(&self) {
        self.traffic.faults().disturb(None);
    }

    /// The number of random faults of each kind since the start.
    pub fn disturbed(&self) -> BTreeMap<Disturbance, u64> {
        self.traffic.faults().disturbed()
    }

    /// Waits until nothing is held any more that is to be repeated or delivered late.
    pub async fn settled(&self) {
        self.traffic.wait_until_nothing_is_held().await;
    }

    /// Delivers now what is held to be repeated or delivered late, and waits until the server has
    /// answered it.
    pub async fn deliver_held(&self) {
        self.traffic.release.send_modify(|count| *count += 1);
        self.settled().await;
    }

    /// Disarms a fault that has not happened.
    pub fn disarm(&self) {
        self.traffic.faults().disarm();
    }

    /// True when the fault that was armed last has happened.
    pub fn fired(&self) -> bool {
        self.traffic.faults().fired()
    }

    /// The number of armed faults that have happened since the start.
    pub fn cuts(&self) -> u64 {
        self.traffic.faults().cuts()
    }

    /// Pauses: connections stay open, and nothing passes until
    /// [`resume`](Self::resume).
    ///
    /// What arrives in the meantime is delivered late, even if the client has given up on it,
    /// which is what networks do. [`drop_all`](Self::drop_all) discards it.
    pub fn pause(&self) {
        self.traffic.paused.send_replace(true);
    }

    /// Forwards again, beginning with what has arrived during the pause.
    pub fn resume(&self) {
        self.traffic.paused.send_replace(false);
    }

    /// With `true`, closes every new connection as soon as it is accepted. Open connections
    /// remain.
    pub fn refuse(&self, on: bool) {
        self.traffic.refusing.store(on, SeqCst);
    }

    /// Forwards new connections to the server on this loopback port. Open connections remain where
    /// they are.
    pub fn lead_to(&self, server_port: u16) {
        self.traffic.server_port.store(server_port, SeqCst);
    }

    /// Closes all connections now.
    pub fn drop_all(&self) {
        self.traffic.drops.send_modify(|count| *count += 1);
    }

    /// Holds replies back until the client has sent nothing for this long, which simulates a slow
    /// network and keeps a burst of requests together. Zero, the default, forwards at once.
    ///
    /// A client that never pauses for that long gets no replies.
    pub fn delay_replies(&self, delay: Duration) {
        self.traffic.set_reply_delay(delay);
    }

    /// Makes the line slow: bytes take this long to the server, and this long to the client. What
    /// arrives meanwhile waits, so a delay is at most twice as long. Zero, the default, forwards
    /// at once.
    pub fn slow_down(&self, requests: Duration, replies: Duration) {
        self.traffic.set_latency(requests, replies);
    }
}
