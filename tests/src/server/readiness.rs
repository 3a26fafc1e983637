//! Starting the server process and waiting until it answers.

use std::fmt;
use std::io;

use tokio::time::{Duration, Instant, sleep, timeout};

use super::process::Process;
use super::{PATIENCE, Server, binary, clock};
use crate::resp::{Connection, Reply};

const POLL_INTERVAL: Duration = Duration::from_millis(5);

/// Why the server does not run, with its log.
#[derive(Debug)]
pub(super) struct Failure {
    reason: &'static str,
    log: String,
}

impl Failure {
    /// True when another process listens on the port already.
    pub(super) fn port_is_taken(&self) -> bool {
        self.log.contains("Address already in use")
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, and its log says:\n{}", self.reason, self.log)
    }
}

impl Server {
    /// Starts the process once and waits until it answers.
    pub(super) async fn try_run(&self) -> Result<(), Failure> {
        let directory = self.directory();
        let path =
            directory.to_str().expect("the path of the temporary directory should be valid UTF-8");
        let mut command =
            if self.settings.settable_clock { clock::launcher(directory) } else { Vec::new() };
        command.push(binary::find().into());
        command.extend(self.settings.command_line(self.port, path).into_iter().map(Into::into));
        let process = Process::spawn(&command, directory);
        *self.process() = Some(process);

        let end = Instant::now() + PATIENCE;
        while Instant::now() < end {
            if self.with_process(Process::has_ended) {
                return Err(self.fail("the server ended right after its start"));
            }
            if let Ok(Ok(true)) = timeout(PATIENCE, self.is_ready()).await {
                return Ok(());
            }
            sleep(POLL_INTERVAL).await;
        }
        Err(self.fail("the server does not answer"))
    }

    fn fail(&self, reason: &'static str) -> Failure {
        self.kill();
        let log = self.log();
        Failure { reason, log }
    }

    /// True when the server on the port is the one that was started and has loaded its data.
    async fn is_ready(&self) -> io::Result<bool> {
        let mut connection = Connection::open(self.port).await?;
        self.authenticate(&mut connection).await?;
        match connection.call(&["PING"]).await? {
            // A password that was set by a plain option is unknown here, and asking for it is
            // an answer.
            Reply::Error(text) => Ok(text.starts_with("NOAUTH")),
            // If another process took the port first, the PONG is from that process.
            Reply::Simple(_) => Ok(self.is_answered_by_own_process(&mut connection).await?),
            _ => Ok(false),
        }
    }

    async fn is_answered_by_own_process(&self, connection: &mut Connection) -> io::Result<bool> {
        let info = connection.call(&["INFO", "server"]).await?;
        let own = format!("process_id:{}", self.pid());
        Ok(info.error().is_none() && info.as_str().lines().any(|line| line == own))
    }
}
