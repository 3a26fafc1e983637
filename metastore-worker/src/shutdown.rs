//! The signals that ask a process to stop.

use std::future::Future;

use tokio::sync::oneshot;

/// Completes when the process is asked to stop: by Ctrl-C, or by SIGTERM, which container runtimes
/// send. A second signal ends the process at once, with the exit code 130 after Ctrl-C and 143
/// after SIGTERM. So does the first one if the future has been dropped.
///
/// The signals are handled as soon as the function is called, not only once the future is awaited,
/// and on a thread of their own, so that the second one is obeyed while handlers block all threads
/// of the runtime. If the signals cannot be handled, the future never completes, and the default
/// action of the signal ends the process.
pub fn shutdown_signal() -> impl Future<Output = ()> + Send {
    let (first, received) = oneshot::channel();
    let (installed, is_installed) = std::sync::mpsc::channel();
    let watch = move || {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
            return;
        };
        runtime.block_on(async {
            let Some(mut signals) = Signals::install() else { return };
            // The caller waits for it.
            let _ = installed.send(());
            let signal = signals.next().await;
            if first.send(()).is_ok() {
                tracing::info!(signal = signal.name, "stopping; a second signal ends the process");
                exit(signals.next().await);
            }
            exit(signal);
        });
    };
    let thread = std::thread::Builder::new().name("metastore-signals".to_owned()).spawn(watch);
    if thread.is_ok() {
        let _ = is_installed.recv();
    }
    async move {
        if received.await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// A signal that asks the process to stop.
#[derive(Clone, Copy)]
struct StopSignal {
    name: &'static str,
    exit_code: i32,
}

const INTERRUPT: StopSignal = StopSignal { name: "SIGINT", exit_code: 130 };

#[cfg(unix)]
const TERMINATE: StopSignal = StopSignal { name: "SIGTERM", exit_code: 143 };

fn exit(signal: StopSignal) -> ! {
    tracing::warn!(signal = signal.name, "ending the process at once");
    std::process::exit(signal.exit_code)
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn install() -> Option<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let interrupt = signal(SignalKind::interrupt()).ok()?;
        Some(Self { interrupt, terminate: signal(SignalKind::terminate()).ok()? })
    }

    async fn next(&mut self) -> StopSignal {
        tokio::select! {
            _ = self.interrupt.recv() => INTERRUPT,
            _ = self.terminate.recv() => TERMINATE,
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn install() -> Option<Self> {
        Some(Self)
    }

    async fn next(&mut self) -> StopSignal {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        INTERRUPT
    }
}
