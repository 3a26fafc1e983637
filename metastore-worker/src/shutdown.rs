//! The signals that ask a process to end.

use std::future::Future;

/// Returns when the process is asked to end: Ctrl-C, or SIGTERM, which containers send.
///
/// The signals are caught from the call on, not only once the future is awaited. If they cannot be
/// listened for, it never returns, and the default action of the signal ends the process.
///
/// # Panics
///
/// If called outside a tokio runtime.
pub fn shutdown_signal() -> impl Future<Output = ()> + Send {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let signals = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()));
        async move {
            let (Ok(mut interrupt), Ok(mut terminate)) = signals else {
                return std::future::pending().await;
            };
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        }
    }
    #[cfg(not(unix))]
    async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
