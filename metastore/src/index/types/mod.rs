//! The types that can be indexed, by the crate that defines them.

#[cfg(feature = "chrono")]
mod chrono;
mod jiff;
#[cfg(feature = "rust_decimal")]
mod rust_decimal;
mod std;
#[cfg(feature = "time")]
mod time;
#[cfg(feature = "uuid")]
mod uuid;
