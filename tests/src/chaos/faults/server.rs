//! Faults of the server: scripts lost, restarted, frozen, full, without a right, with another time.

use super::Faults;
use crate::Reply;
use crate::chaos::workers::LEASE;

/// The server's user for the workers.
pub(crate) const USER: &str = "worker";

/// Rights that are taken away, as rules of ACL SETUSER: commands that workers and scripts call,
/// kinds of keys, and channels.
const RIGHTS: [&[&str]; 21] = [
    &["-evalsha"],
    &["-eval"],
    &["-@scripting"],
    &["-@write"],
    &["-@read"],
    &["-@all"],
    &["-zadd"],
    &["-zrem"],
    &["-hset"],
    &["-set"],
    &["-get", "-mget"],
    &["-del"],
    &["-lpush", "-rpush"],
    &["-lpop", "-rpop"],
    &["-xadd"],
    &["-time"],
    &["-publish"],
    &["-subscribe"],
    &["resetchannels"],
    &["resetkeys", "~tests:*"],
    &["resetkeys", "~queue:*"],
];

/// Gives all of them back.
const ALL_RIGHTS: [&str; 3] = ["+@all", "allkeys", "allchannels"];

/// How far the server's clock is stepped from the machine's at most, in milliseconds.
const FARTHEST: i64 = 20_000;

impl Faults {
    pub(super) async fn flush_scripts(&mut self) {
        self.history.fault("scripts flushed", "");
        self.command(&["SCRIPT", "FLUSH"]).await;
    }

    pub(super) async fn restart_server(&mut self) {
        if self.random.bool() {
            self.history.fault("server killed", "");
            self.server.kill();
        } else {
            self.history.fault("server restarted", "");
            self.server.stop();
        }
        self.pause_between(0, 1_200).await;
        self.server.restart().await;
        self.history.note("the server runs again");
    }

    /// Suspends the server for longer than the workers' leases.
    pub(super) async fn freeze_server(&mut self) {
        let time = LEASE.mul_f64(1.2 + self.random.f64() * 2.0);
        self.history.fault("server frozen", format!("for {time:?}"));
        self.server.freeze();
        self.pause(time).await;
        self.server.thaw();
    }

    pub(super) async fn take_right(&mut self) {
        let rules = RIGHTS[self.random.usize(..RIGHTS.len())];
        self.history.fault("right taken away", rules.join(" "));
        self.command(&[&["ACL", "SETUSER", USER], rules].concat()).await;
        self.pause_between(50, 1_500).await;
        self.command(&[&["ACL", "SETUSER", USER], &ALL_RIGHTS[..]].concat()).await;
        self.history.note("the right is given back");
    }

    /// Sets the limit of memory below what is in use, so that every write is refused.
    pub(super) async fn fill_server(&mut self) {
        self.history.fault("server full", "");
        self.command(&["CONFIG", "SET", "maxmemory", "1"]).await;
        self.pause_between(50, 1_500).await;
        self.command(&["CONFIG", "SET", "maxmemory", "0"]).await;
        self.history.note("the server has memory again");
    }

    pub(super) async fn step_clock(&mut self) {
        // Most steps are about as long as a lease, where they are most likely to matter.
        let most = if self.random.u8(..4) == 0 { FARTHEST } else { 2_500 };
        let offset = self.random.i64(-most..=most);
        self.history.fault("clock stepped", format!("{offset} ms from the machine's"));
        self.server.set_clock(offset).await;
    }

    async fn command(&self, command: &[&str]) {
        let reply = self.server.cli(command).await;
        assert!(!matches!(reply, Reply::Error(_)), "{command:?}: {reply:?}");
    }
}
