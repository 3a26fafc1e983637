//! A program from its beginning to its end.

use std::future::Future;
use std::io;
use std::pin::pin;
use std::process::ExitCode;
use std::time::Duration;

use metastore_worker::shutdown_signal;
use tokio::runtime::Runtime;

/// What shells report of a program that Ctrl-C has ended.
const INTERRUPTED: u8 = 130;

/// Runs to the end; an error is printed to standard error and is exit code 1. Nothing is said when
/// the reader of standard output has gone, as `head` does when it has seen enough.
pub fn run(work: impl Future<Output = anyhow::Result<ExitCode>>) -> ExitCode {
    let runtime = match Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: cannot start: {error}");
            return ExitCode::FAILURE;
        }
    };
    let ended = runtime.block_on(work);
    // A read of a pipe that nobody writes to never returns, and must not delay the exit.
    runtime.shutdown_timeout(Duration::from_millis(100));
    ended.unwrap_or_else(|error| {
        let is_unread = |cause: &io::Error| cause.kind() == io::ErrorKind::BrokenPipe;
        if !error.downcast_ref::<io::Error>().is_some_and(is_unread) {
            eprintln!("error: {error:#}");
        }
        ExitCode::FAILURE
    })
}

/// Does the work until it is done or Ctrl-C comes. Then the work is dropped where it stands: what
/// it has written stays, and a server that it started ends in good order.
///
/// # Errors
///
/// Those of the work.
pub async fn until_stopped(
    work: impl Future<Output = anyhow::Result<ExitCode>>,
) -> anyhow::Result<ExitCode> {
    let mut shutdown = pin!(shutdown_signal());
    tokio::select! {
        biased;
        () = &mut shutdown => Ok(stopped()),
        ended = work => ended,
    }
}

/// Prints that the program was stopped, and returns its exit code.
#[must_use]
pub fn stopped() -> ExitCode {
    eprintln!("stopped");
    ExitCode::from(INTERRUPTED)
}
