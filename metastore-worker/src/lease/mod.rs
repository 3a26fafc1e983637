//! Keeping the leases of jobs.
//!
//! - `table`: the leases that a worker holds in one store
//! - `keeper`: the thread that renews them

mod keeper;
mod table;

pub(crate) use keeper::{LeaseEvent, LeaseKeeper};
pub(crate) use table::{Lease, LeaseTable, LocalId};
