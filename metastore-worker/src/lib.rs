//! Workers that run the transformations of `metastore`; a library to link into services.
//!
//! - [`Worker`], [`WorkerBuilder`]: handlers, settings, running a worker
//! - [`RunningWorker`], [`Health`], [`Report`]: observing and stopping it
//! - [`JobContext`]: what a handler knows about its job, and reporting progress
//! - [`Fatal`]: non-retryable errors
//! - [`shutdown_signal`]: Ctrl-C and SIGTERM
//! - [`guide`]: guides by subject
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
//!
//! # Metrics
//!
//! With the feature `metrics`, workers record metrics through the `metrics` facade, and describe
//! them when they start.
//! All names begin with `metastore_jobs_`, and all metrics have the label `queue`
//! (`domain:app:collection:transformation`):
//!
//! | name | kind | value |
//! |---|---|---|
//! | `finished_total` | counter | jobs whose result was stored |
//! | `failed_total` | counter | runs that failed; each is also counted as retried or dead |
//! | `retried_total` | counter | failed runs whose job is retried |
//! | `dead_total` | counter | failed runs whose job is dead |
//! | `released_total` | counter | jobs returned to the queue: at shutdown, or left to a newer version of the program |
//! | `cancelled_total` | counter | jobs that were cancelled, or whose item was deleted, while the worker held them |
//! | `lost_total` | counter | jobs that the worker had lost, or whose completion it could not record |
//! | `wait_seconds` | histogram | time from when a job was ready to run until it was taken |
//! | `run_seconds` | histogram | time from when a job was taken until its completion was recorded |
//! | `queued`, `delayed`, `running` | gauge | jobs in that state, updated in each poll interval |
//! | `dead` | gauge | dead jobs, updated after each job and in each maintenance interval |
//! | `oldest_seconds` | gauge | how long the oldest waiting job has been ready to run |

mod backoff;
mod builder;
mod collection;
mod config;
mod control;
mod engine;
mod future;
pub mod guide;
mod handler;
mod health;
mod label;
mod lease;
mod metrics;
mod report;
mod shutdown;
mod worker;

pub use builder::WorkerBuilder;
pub use config::ConfigError;
pub use handler::{HandlerFuture, HandlerOutcome, JobContext, JobRun, ReportedProgress};
pub use health::Health;
pub use metastore::Fatal;
pub use report::Report;
pub use shutdown::shutdown_signal;
pub use worker::{RunningWorker, Worker};

/// Compiles the code of the README.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
