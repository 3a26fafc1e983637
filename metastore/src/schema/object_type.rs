//! Object types and what they mean for the time to live.

use std::time::Duration;

use serde::{Deserialize, Serialize};

const DAY: u64 = 24 * 60 * 60;

/// What kind of documents a collection holds; it determines the default time to live.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum ObjectType {
    /// Long-lived configuration: no time to live.
    Config,
    /// Settings of a user or an app: 30 days.
    Settings,
    /// Sessions and other short-lived state: 1 hour.
    State,
    /// Content that is kept with all its versions: no time to live.
    Texts,
}

impl ObjectType {
    /// How long an item of this type lives unless the collection says otherwise with `ttl`.
    #[must_use]
    pub const fn default_ttl(self) -> Option<Duration> {
        match self {
            Self::Config | Self::Texts => None,
            Self::Settings => Some(Duration::from_secs(30 * DAY)),
            Self::State => Some(Duration::from_secs(60 * 60)),
        }
    }
}

/// What an update does to the deadline of an item that has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum TtlOnUpdate {
    /// The deadline is set again: the update's time plus the time to live. The default.
    Reset,
    /// The deadline set at creation stays.
    Keep,
}
