//! The rules on how the sources are laid out, checked against the sources themselves.
//!
//! Each test prints the file and the line of every violation, and how to resolve it.

mod client;
mod cycles;
mod keys;
mod length;
mod literals;
mod messages;
mod report;
mod rust;
mod width;
mod words;
mod workspace;
