//! How many texts the steps of a run work on at once.

/// The calls wait for the server most of the time, and concurrent calls share round trips.
pub(crate) const AT_ONCE: usize = 32;
