//! The kinds of work that are measured.

use clap::ValueEnum;

use crate::unit::Unit;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Row {
    /// Read a document and decode it, many tasks
    Get,
    /// Validate, encode and store a document with its index entry, many tasks
    Create,
    /// The same with an audit entry
    CreateAudited,
    /// The same in hundreds
    CreateMany,
    /// Write the next version of an item in hand, many tasks
    Update,
    /// Write the next version of an item known by its id, many tasks
    UpdateById,
    /// `get` from one task, which shows latency
    SingleGet,
    /// `create` from one task
    SingleCreate,
    /// `update` from one task
    SingleUpdate,
    /// `update-by-id` from one task
    SingleUpdateById,
    /// Request jobs, many tasks
    Enqueue,
    /// Process a backlog of jobs whose handler does nothing
    Process,
    /// From requesting a job to the start of its handler, when the worker is idle
    Start,
    /// The same with many idle workers, not one
    IdleWorkers,
    /// How many scripts the server runs for a job with many idle workers, not one
    IdleWorkersCalls,
    /// What a job costs when a million wait
    Backlog,
    /// A page of 50 deep in a million items
    Page,
    /// What the server needs for a small document
    Memory,
    /// What the server needs for a job that waits
    WaitingMemory,
    /// What the server needs for a job that has finished
    FinishedMemory,
    /// `cargo check` of many collections
    Check,
}

impl Row {
    /// The unit of the figure.
    pub(crate) fn unit(self) -> Unit {
        match self {
            Self::Get | Self::Create | Self::CreateAudited | Self::Update | Self::UpdateById => {
                Unit::OperationsPerSecond
            }
            Self::CreateMany => Unit::DocumentsPerSecond,
            Self::SingleGet
            | Self::SingleCreate
            | Self::SingleUpdate
            | Self::SingleUpdateById
            | Self::Page => Unit::MicrosPerOperation,
            Self::Enqueue | Self::Process => Unit::JobsPerSecond,
            Self::Start | Self::IdleWorkers => Unit::MicrosAtMost,
            Self::IdleWorkersCalls => Unit::ScriptCallsPerJob,
            Self::Backlog => Unit::MicrosPerJob,
            Self::Memory => Unit::BytesPerItem,
            Self::WaitingMemory | Self::FinishedMemory => Unit::BytesPerJob,
            Self::Check => Unit::Seconds,
        }
    }
}
