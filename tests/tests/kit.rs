//! Tests of the test kit itself, because all other tests depend on it.

#[path = "kit/clock.rs"]
mod clock;
#[path = "kit/disturbances.rs"]
mod disturbances;
#[path = "kit/faults.rs"]
mod faults;
#[path = "kit/orphan.rs"]
mod orphan;
#[path = "kit/outages.rs"]
mod outages;
#[path = "kit/round_trips.rs"]
mod round_trips;
#[path = "kit/server.rs"]
mod server;
#[path = "kit/small_tools.rs"]
mod small_tools;
