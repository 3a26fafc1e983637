//! Documents that outlive the shape of their struct.

mod derived;
mod indexes;
mod lifetimes;
mod lock;
mod migrating;
mod newer;
pub(crate) mod people;
mod upgrades;
