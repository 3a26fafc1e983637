//! Documents that outlive the shape of their struct.

mod derived;
mod indexes;
mod lifetimes;
mod lock;
mod migrating;
mod newer;
mod pairs;
pub(crate) mod people;
mod together;
mod upgrades;
