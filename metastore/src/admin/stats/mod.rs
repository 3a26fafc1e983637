//! Statistics of a collection: items, versions, memory, jobs.

mod builder;
mod estimate;
mod measured;
mod report;

pub use builder::Stats;
pub use estimate::Estimate;
pub use report::{CollectionStats, MemoryStats};
