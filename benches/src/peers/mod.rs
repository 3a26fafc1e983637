//! The same work, hand-written as a careful user of each client would write it.
//!
//! Both peers share what does not depend on the client: keys, header, scripts, and the loop of the
//! worker. They do what a service needs (validation, a version, a commit id, an index entry,
//! protection against lost updates, superseded versions) and no more: no audit, no time to live, no
//! size limits, no check of ids, no answer about a write whose reply was lost.
//!
//! Job queues are separate programs in `benches/queues`: see [`External`].

mod bulk;
mod external;
pub(crate) mod keys;
mod on_fred;
mod on_redis_rs;
pub(crate) mod raw;
mod stored;
mod worker;

use std::time::Duration;

pub(crate) use external::{External, Task};
pub(crate) use on_fred::Fred;
pub(crate) use on_redis_rs::RedisRs;

/// How long a peer waits for a reply: as long as metastore, since no service should wait forever.
const REPLY_TIMEOUT: Duration = Duration::from_secs(5);

/// Writes the next version; see the script's header.
const UPDATE: &str = include_str!("scripts/update.lua");

/// Finishes a job and takes the next one; see the script's header.
const STEP: &str = include_str!("scripts/step.lua");

/// How often an update by id is repeated after another write came first.
const ATTEMPTS: usize = 10;
