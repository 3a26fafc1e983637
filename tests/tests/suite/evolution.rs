//! Documents that outlive the shape of their struct.

mod lock;
mod migrating;
mod newer;
mod people;
mod upgrades;
