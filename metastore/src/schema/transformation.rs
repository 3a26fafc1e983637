//! The constant part of transformations.

use std::time::Duration;

/// The constant part of a transformation.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct TransformationSchema {
    /// The name, as used in keys.
    pub name: &'static str,
    /// How long one run may take; `None` leaves it to the worker.
    pub timeout: Option<Duration>,
    /// How often a failed run is repeated; `None` leaves it to the worker.
    pub retries: Option<u32>,
    /// How long to wait before the first repetition; `None` leaves it to the worker.
    pub retry_delay: Option<Duration>,
    /// How long a result lives; `None` means as long as its item.
    pub result_ttl: Option<Duration>,
    /// Whether it runs in the caller's process, and no worker takes it.
    pub inline: bool,
    /// The transformation after which this one is requested.
    pub after: Option<&'static str>,
    /// Whether the creation of an item requests it.
    pub on_create: bool,
    /// Whether each further version of an item requests it.
    pub on_update: bool,
}

impl TransformationSchema {
    /// A transformation with the worker's own timeout and retries.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self {
            name,
            timeout: None,
            retries: None,
            retry_delay: None,
            result_ttl: None,
            inline: false,
            after: None,
            on_create: false,
            on_update: false,
        }
    }

    /// Sets how long one run may take, in milliseconds.
    #[must_use]
    pub const fn timeout_ms(mut self, millis: u64) -> Self {
        self.timeout = Some(Duration::from_millis(millis));
        self
    }

    /// Sets how often a failed run is repeated.
    #[must_use]
    pub const fn retries(mut self, retries: u32) -> Self {
        self.retries = Some(retries);
        self
    }

    /// Sets how long to wait before the first repetition, in milliseconds.
    #[must_use]
    pub const fn retry_delay_ms(mut self, millis: u64) -> Self {
        self.retry_delay = Some(Duration::from_millis(millis));
        self
    }

    /// Sets how long a result lives, in milliseconds.
    #[must_use]
    pub const fn result_ttl_ms(mut self, millis: u64) -> Self {
        self.result_ttl = Some(Duration::from_millis(millis));
        self
    }

    /// Runs in the caller's process, not by a worker.
    #[must_use]
    pub const fn inline(mut self) -> Self {
        self.inline = true;
        self
    }

    /// Is requested when that transformation finishes.
    #[must_use]
    pub const fn after(mut self, transformation: &'static str) -> Self {
        self.after = Some(transformation);
        self
    }

    /// Is requested when an item is created.
    #[must_use]
    pub const fn on_create(mut self) -> Self {
        self.on_create = true;
        self
    }

    /// Is requested by each further version of an item.
    #[must_use]
    pub const fn on_update(mut self) -> Self {
        self.on_update = true;
        self
    }
}
