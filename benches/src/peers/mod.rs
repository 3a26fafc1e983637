//! The same work, written by hand as a careful user of each client would write it.
//!
//! Both peers share what does not depend on the client: keys, envelope, scripts, and the loop of the
//! worker. They do what metastore does where a service needs it (validation, a version, a commit id,
//! an index entry, a guard against lost updates, superseded versions kept) and no more: no audit, no
//! time to live, no limits on size, no check of ids, no answer to what became of a write whose reply
//! was lost.
//!
//! Job queues are programs of their own, in `benches/queues`: see [`External`].

mod bulk;
mod external;
mod fred_by_hand;
pub(crate) mod keys;
pub(crate) mod raw;
mod redis_rs_by_hand;
mod stored;
mod worker;

use std::time::Duration;

pub(crate) use external::{External, Task};
pub(crate) use fred_by_hand::Fred;
pub(crate) use redis_rs_by_hand::RedisRs;

/// How long a peer waits for a reply: as long as metastore does, since no service should wait for
/// ever.
const REPLY_TIMEOUT: Duration = Duration::from_secs(5);

/// Writes the next version; see the script's header.
const UPDATE: &str = include_str!("scripts/update.lua");

/// Finishes a job and takes the next one; see the script's header.
const STEP: &str = include_str!("scripts/step.lua");

/// How often an update by id starts again after another write came first.
const ATTEMPTS: usize = 10;
