//! A Redis server of the test's own: its own process, port and directory.

mod binary;
mod builder;
mod clock;
mod inspect;
mod lifecycle;
mod process;
mod readiness;

use std::fs::read_to_string;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tempfile::TempDir;

pub use builder::Builder;
use process::Process;

/// How long the server may take to start, to stop, or to answer the kit's own commands.
const PATIENCE: Duration = Duration::from_secs(10);

/// How many ports to try, since another process can take a port between its choice and its use.
const PORT_ATTEMPTS: usize = 10;

/// A running Redis server on a free loopback port.
///
/// The server is killed and its directory removed on drop. The server dies as well when the
/// test process is killed and no drop ever runs, so a `static` server is fine too.
#[derive(Debug)]
pub struct Server {
    settings: Builder,
    port: u16,
    // Declared before the directory, so that the process is gone when the directory is removed.
    process: Mutex<Option<Process>>,
    directory: TempDir,
}

impl Server {
    /// Starts a server that keeps nothing on disk, and waits until it answers.
    ///
    /// # Panics
    ///
    /// Panics when there is no server program, or with the server's log when it does not start.
    pub async fn start() -> Self {
        Self::builder().start().await
    }

    /// Settings for a server that differs from the default.
    pub fn builder() -> Builder {
        Builder::default()
    }

    async fn launch(settings: Builder) -> Self {
        for _ in 0..PORT_ATTEMPTS {
            let server = Self {
                settings: settings.clone(),
                port: free_port(),
                process: Mutex::new(None),
                directory: TempDir::new().expect("a temporary directory should be creatable"),
            };
            match server.try_run().await {
                Ok(()) => return server,
                Err(failure) if failure.port_is_taken() => {}
                Err(failure) => panic!("{failure}"),
            }
        }
        panic!("each of {PORT_ATTEMPTS} free ports was taken before the server could use it");
    }

    /// The address for clients, with the password in it if there is one.
    pub fn url(&self) -> String {
        let port = self.port;
        match &self.settings.password {
            Some(password) => format!("redis://:{password}@127.0.0.1:{port}"),
            None => format!("redis://127.0.0.1:{port}"),
        }
    }

    /// The TCP port, which stays the same over restarts.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The working directory of the server, where its files are.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// What the server has printed since it was last started.
    pub fn log(&self) -> String {
        read_to_string(self.directory().join("server.log")).unwrap_or_default()
    }

    /// The process id of the server itself.
    ///
    /// # Panics
    ///
    /// Panics when the server is stopped or killed.
    pub fn pid(&self) -> u32 {
        self.with_process(|process| process.pid())
    }

    fn with_process<T>(&self, action: impl FnOnce(&mut Process) -> T) -> T {
        action(self.process().as_mut().expect("the server is not running"))
    }

    fn process(&self) -> MutexGuard<'_, Option<Process>> {
        // A test that failed while it held the lock has not broken the process.
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Builder {
    /// Starts the server and waits until it answers.
    pub async fn start(self) -> Server {
        Server::launch(self).await
    }
}

/// Lets the system choose a port that is free at this moment.
fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .expect("the loopback interface should have a free port")
        .port()
}
