//! Documents that outlive the shape of their struct.

mod lock;
mod newer;
mod people;
mod upgrades;
