//! The signals that ask a process to stop.

use std::future::Future;

/// Completes when the process is asked to stop: by Ctrl-C, or by SIGTERM, which container runtimes
/// send.
///
/// The signals are handled as soon as the function is called, not only once the future is awaited.
/// If the handlers cannot be installed, the future never completes, and the default action of the
/// signal ends the process.
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
