//! The sides that are measured.

use std::fmt;

use clap::ValueEnum;
use serde::{Serialize, Serializer};

/// metastore, or what it is measured against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, ValueEnum)]
pub(crate) enum Side {
    /// metastore itself
    #[value(skip)]
    Metastore,
    /// fred, one shared client
    Fred,
    /// redis-rs, one multiplexed connection
    RedisRs,
    /// A bare socket: the limit of the server
    Raw,
    /// bullmq-official, in Rust
    Bullmq,
    /// `BullMQ` on Node
    BullmqNode,
    /// apalis-redis
    Apalis,
    /// metastore with less data, to see the cost of more
    Fewer,
    /// Structs with the derives of serde and validator only
    Structs,
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Metastore => "metastore",
            Self::Fred => "fred",
            Self::RedisRs => "redis-rs",
            Self::Raw => "raw socket",
            Self::Bullmq => "bullmq-official",
            Self::BullmqNode => "BullMQ on Node",
            Self::Apalis => "apalis-redis",
            Self::Fewer => "metastore with fewer",
            Self::Structs => "serde and validator",
        })
    }
}

impl Serialize for Side {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
