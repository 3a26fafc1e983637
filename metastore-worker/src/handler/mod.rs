//! Handlers: user functions that run transformations.
//!
//! - `context`: what a handler knows about its job
//! - `progress`, `call_state`: progress reports and blocking work
//! - `outcome`: how a handler ended for one job
//! - `function`: wrapping a user function: encoding results, describing errors, catching panics
//! - `hook`, `run`: hooks and the span around a run
//! - `erased`, `typed`: a handler with its queue, without and with the type of its collection

mod call_state;
mod context;
mod erased;
mod function;
mod hook;
mod outcome;
mod progress;
mod run;
mod typed;

pub(crate) use call_state::CallState;
pub use context::JobContext;
pub(crate) use context::States;
pub(crate) use erased::{
    ClaimedJob, ErasedHandler, HandlerCall, HandlerExchange, RunContext, TakenCalls, UndecodableJob,
};
pub use function::HandlerFuture;
pub(crate) use function::{batch, single};
pub(crate) use hook::Hook;
pub use hook::{HandlerOutcome, JobRun};
pub(crate) use outcome::{FailureKind, HandlerFailure, HandlerResult};
pub use progress::ReportedProgress;
pub(crate) use typed::TypedHandler;
