//! Workers that carry out the transformations of `metastore`, to be linked into services.
//!
//! - [`Worker`], [`WorkerBuilder`]: what to handle, and running it
//! - [`JobContext`]: what a handler is told about its job, and can tell of it
//! - [`Fatal`]: errors that no repetition mends
//! - [`shutdown_signal`]: Ctrl-C and SIGTERM
//!
//! ```no_run
//! use metastore::{Collection, Item, Store};
//! use metastore_worker::{Worker, shutdown_signal};
//! use serde::{Deserialize, Serialize};
//! use validator::Validate;
//!
//! #[derive(Clone, Serialize, Deserialize, Validate, Collection)]
//! #[collection(domain = "myapp", app = "textsplitter", name = "texts", object_type = texts)]
//! #[transformation(summarize -> String, timeout = "30s", retries = 3)]
//! struct Text {
//!     content: String,
//! }
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let texts = Store::from_env().await?.repo::<Text>();
//! let worker = Worker::builder(&texts)
//!     .handle(Text::SUMMARIZE, |item: Item<Text>, _job| async move {
//!         Ok::<_, std::io::Error>(item.data.content.lines().take(3).collect::<String>())
//!     })
//!     .concurrency(8)
//!     .build();
//! worker.run_until(shutdown_signal()).await?;
//! # Ok(())
//! # }
//! ```

mod backoff;
mod builder;
mod config;
mod context;
mod control;
mod engine;
mod fatal;
mod handler;
mod health;
mod hook;
mod kept;
mod lane;
mod metrics;
mod run;
mod shutdown;
mod worker;

pub use builder::WorkerBuilder;
pub use config::ConfigError;
pub use context::{JobContext, TestNotes};
pub use fatal::Fatal;
pub use handler::HandlerFuture;
pub use health::Health;
pub use hook::{HandlerEnd, JobRun};
pub use shutdown::shutdown_signal;
pub use worker::{Report, RunningWorker, Worker};

/// The README's code, so that it keeps compiling.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
