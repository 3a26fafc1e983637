//! Test kit: real Redis servers, a fault-injecting proxy, and small tools for waiting.
//!
//! Only [`collections`] knows the library under test. The kit starts servers, reads their data
//! through a raw connection of its own, and breaks the network between a client and a server at
//! exactly chosen points. It is a kit for tests, so it panics with a sentence that says what went
//! wrong instead of returning errors.

pub mod chaos;
pub mod collections;
pub mod example;
pub mod histories;
pub mod proxy;
pub mod resp;
pub mod server;
pub mod unique;
pub mod wait;

pub use proxy::{Cut, Fault, Proxy};
pub use resp::{Connection, Reply};
pub use server::Server;
pub use unique::unique_name;
