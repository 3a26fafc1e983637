//! What the examples share: finding and reading files, a server to work on, and what is shown.
//!
//! - [`input`], [`source`]: finding the files that a run is about, and reading one
//! - [`program`]: a program from its beginning to its orderly end
//! - [`server`]: the server that the command line asks for
//! - [`page`]: which page of a list the command line asks for
//! - [`failure`]: errors in the words of a command line
//! - [`shown`], [`table`], [`progress`]: results, tables, and bars on the way

pub mod failure;
pub mod input;
pub mod page;
pub mod program;
pub mod progress;
pub mod server;
pub mod shown;
pub mod source;
pub mod table;
