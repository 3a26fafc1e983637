//! Faults of all connections of a proxy at once.

use std::time::Duration;

use super::Faults;

impl Faults {
    pub(super) fn cut_line(&mut self) {
        let at = self.random.usize(..self.proxies.len());
        self.history.fault("line cut", format!("all connections of proxy {at}"));
        self.proxies[at].drop_all();
    }

    /// Nothing passes for some time, in either direction, and all of it arrives later.
    pub(super) async fn stall_line(&mut self) {
        let at = self.random.usize(..self.proxies.len());
        let time = Duration::from_millis(self.random.u64(50..1_500));
        self.history.fault("line stalled", format!("proxy {at} for {time:?}"));
        self.proxies[at].pause();
        self.pause(time).await;
        self.proxies[at].resume();
    }

    /// Requests and replies take long, together sometimes longer than a client waits.
    pub(super) async fn slow_line(&mut self) {
        let at = self.random.usize(..self.proxies.len());
        let mut time = |most| Duration::from_millis(self.random.u64(5..most));
        let (requests, replies, length) = (time(400), time(400), time(2_000));
        self.history.fault(
            "line slow",
            format!("proxy {at}: {requests:?} there, {replies:?} back, for {length:?}"),
        );
        self.proxies[at].slow_down(requests, replies);
        self.pause(length).await;
        self.proxies[at].slow_down(Duration::ZERO, Duration::ZERO);
    }
}
