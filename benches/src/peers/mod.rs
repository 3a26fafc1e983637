//! The same work, written by hand as a careful user of each client would write it.
//!
//! Both peers share what does not depend on the client: keys, envelope, scripts, and the loop of the
//! worker. They do what metastore does where a service needs it (validation, a version, a commit id,
//! an index entry, a guard against lost updates, superseded versions kept) and no more: no audit, no
//! time to live, no limits on size, no check of ids, no answer to what became of a write whose reply
//! was lost.

mod fred_by_hand;
pub(crate) mod keys;
mod redis_rs_by_hand;
mod stored;
mod worker;

use std::fmt;
use std::time::Duration;

use clap::ValueEnum;
use serde::{Serialize, Serializer};

pub(crate) use fred_by_hand::Fred;
pub(crate) use redis_rs_by_hand::RedisRs;

use crate::contender::Contender;

/// How long a peer waits for a reply: as long as metastore does, since no service should wait for
/// ever.
const REPLY_TIMEOUT: Duration = Duration::from_secs(5);

/// Writes the next version; see the script's header.
const UPDATE: &str = include_str!("scripts/update.lua");

/// Finishes a job and takes the next one; see the script's header.
const STEP: &str = include_str!("scripts/step.lua");

/// How often an update by id starts again after another write came first.
const ATTEMPTS: usize = 10;

/// Which peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum PeerName {
    /// fred, one shared client
    Fred,
    /// redis-rs, one multiplexed connection
    RedisRs,
}

impl fmt::Display for PeerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fred => Fred::NAME,
            Self::RedisRs => RedisRs::NAME,
        })
    }
}

impl Serialize for PeerName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
