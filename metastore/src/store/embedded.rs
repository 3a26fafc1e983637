//! A private server for this process.
//!
//! A shell starts two watchers and then executes the server. The watchers wait on a pipe whose
//! other end this process holds: when the process ends, even if it is killed, the pipe closes, and
//! they stop the server and remove its temporary folder. There are two, so that everything is
//! removed even if one of them is killed. The server runs in its own process group, so that Ctrl-C
//! in a terminal only reaches the program, which may still write.

use std::fs::{DirBuilder, File, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::error::{Error, ErrorKind, Result};

/// The variable with the path of the server program.
const SERVER: &str = "METASTORE_REDIS_SERVER";

/// How long a server may take until it replies; it loads existing data first.
const START_TIMEOUT: Duration = Duration::from_secs(30);

/// How long to wait for the reply to one PING.
const PING_TIMEOUT: Duration = Duration::from_secs(1);

/// How long to wait for a directory whose previous server is still stopping.
const LOCK_TIMEOUT: Duration = Duration::from_secs(2);

/// How long the watchers may take to stop the server before it gets a signal, and then before it is
/// killed.
const STOP_TIMEOUT: Duration = Duration::from_secs(1);
const KILL_TIMEOUT: Duration = Duration::from_secs(10);

/// Executes the server ("$@"), which is stopped when standard input closes. Standard output is the
/// lock file of the directory: the server keeps it open, so that the directory is locked as long as
/// the server writes to it, even if this process has ended. Only this user may read what the server
/// writes.
const LAUNCHER: &str = r#"
umask 077
exec 3<&0 4>&1
for watcher in 1 2; do
  (
    exec 4>&-
    read -r _ <&3
    kill "$$"
    waited=0
    while kill -0 "$$" && [ "$waited" -lt 20 ]; do
      sleep 0.05
      waited=$((waited + 1))
    done
    rm -rf "$METASTORE_REMOVE"
  ) </dev/null >/dev/null 2>&1 &
done
exec "$@" </dev/null >"$METASTORE_LOG" 2>&1 3<&-
"#;

pub(super) struct EmbeddedServer {
    /// The server, once the shell has executed it.
    process: Child,
    socket: PathBuf,
    _folder: TempDir,
}

impl EmbeddedServer {
    /// Starts a server with its data in `directory`, or in a temporary folder.
    pub(super) async fn start(directory: Option<&Path>) -> Result<Self> {
        let program = find_server()?;
        let lock = match directory {
            Some(directory) => Stdio::from(lock(directory).await?),
            None => Stdio::null(),
        };
        let mut builder = tempfile::Builder::new();
        builder.prefix("metastore-");
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
        let folder = builder
            .tempdir()
            .map_err(|error| failed("cannot create a temporary folder").caused_by(error))?;
        let socket = folder.path().join("server.sock");
        let log = folder.path().join("server.log");
        let mut command = Command::new("sh");
        command
            .arg("-c")
            .arg(LAUNCHER)
            .arg("metastore-server")
            .arg(&program)
            .args(["--port", "0", "--save", "", "--daemonize", "no", "--unixsocketperm", "700"])
            .arg("--unixsocket")
            .arg(&socket)
            .args(["--maxmemory-policy", "noeviction", "--dir"])
            .arg(directory.unwrap_or(folder.path()))
            .args(["--appendonly", if directory.is_some() { "yes" } else { "no" }])
            .env("METASTORE_LOG", &log)
            .env("METASTORE_REMOVE", folder.path())
            .stdin(Stdio::piped())
            .stdout(lock)
            .stderr(Stdio::null());
        own_process_group(&mut command);
        let process =
            command.spawn().map_err(|error| failed("cannot start a shell").caused_by(error))?;
        let mut server = Self { process, socket, _folder: folder };
        server.wait_until_ready(&log).await?;
        Ok(server)
    }

    pub(super) fn url(&self) -> String {
        format!("redis+unix://{}", self.socket.display())
    }

    async fn wait_until_ready(&mut self, log: &Path) -> Result<()> {
        let started = Instant::now();
        loop {
            if is_ready(&self.socket).await {
                return Ok(());
            }
            let has_ended = self.has_ended();
            if has_ended || started.elapsed() > START_TIMEOUT {
                let text = std::fs::read(log).unwrap_or_default();
                let text = String::from_utf8_lossy(&text);
                let last = text.lines().rev().find(|line| !line.trim().is_empty());
                let what = if has_ended {
                    "the server ended at once"
                } else {
                    "the server does not reply"
                };
                let last = last.unwrap_or("the log is empty");
                return Err(failed(&format!("{what}; the last line of its log: {last}")));
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    fn has_ended(&mut self) -> bool {
        self.process.try_wait().ok().flatten().is_some()
    }

    fn ends_within(&mut self, limit: Duration) -> bool {
        let started = Instant::now();
        while !self.has_ended() {
            if started.elapsed() > limit {
                return false;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        true
    }
}

impl Drop for EmbeddedServer {
    fn drop(&mut self) {
        // The watchers notice that the pipe closes.
        drop(self.process.stdin.take());
        if self.ends_within(STOP_TIMEOUT) {
            return;
        }
        // The watchers were killed, or the server is still writing.
        let _ = Command::new("kill").arg(self.process.id().to_string()).status();
        if !self.ends_within(KILL_TIMEOUT) {
            let _ = self.process.kill();
            let _ = self.process.wait();
        }
    }
}

#[cfg(unix)]
fn own_process_group(command: &mut Command) {
    std::os::unix::process::CommandExt::process_group(command, 0);
}

/// Whether the server replies to PING; it does not while it loads data.
async fn is_ready(socket: &Path) -> bool {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let exchange = async {
        let mut stream = tokio::net::UnixStream::connect(socket).await.ok()?;
        stream.write_all(b"PING\r\n").await.ok()?;
        let mut reply = [0; 7];
        stream.read_exact(&mut reply).await.ok()?;
        Some(&reply == b"+PONG\r\n")
    };
    tokio::time::timeout(PING_TIMEOUT, exchange).await.ok().flatten().unwrap_or(false)
}

fn find_server() -> Result<PathBuf> {
    if let Some(named) = std::env::var_os(SERVER) {
        let path = PathBuf::from(named);
        if path.is_file() {
            return Ok(path);
        }
        return Err(failed(&format!(
            "{SERVER} is {}, which is not a file; set it to the path of a server",
            path.display()
        )));
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    for program in ["redis-server", "valkey-server"] {
        for folder in std::env::split_paths(&path) {
            let candidate = folder.join(program);
            if candidate.is_file() {
                return Ok(candidate);
            }
        }
    }
    Err(failed(&format!(
        "there is no redis-server and no valkey-server on the PATH; install one (for example `apt-get \
         install redis-server` or `brew install redis`) or set {SERVER} to its path"
    )))
}

/// Locks the directory: two servers on one append-only file would destroy it. A new directory is
/// accessible to this user only; an existing one keeps its permissions.
async fn lock(directory: &Path) -> Result<File> {
    let cannot = |what: &str, error: std::io::Error| {
        failed(&format!("cannot {what} {}", directory.display())).caused_by(error)
    };
    let mut builder = DirBuilder::new();
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    }
    let made = builder.recursive(true).create(directory);
    made.map_err(|error| cannot("create the folder", error))?;
    let file = options.open(directory.join("metastore.lock"));
    let file = file.map_err(|error| cannot("lock the folder", error))?;
    let started = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            // The server of a killed process may be stopping.
            Err(std::fs::TryLockError::WouldBlock) if started.elapsed() < LOCK_TIMEOUT => {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            Err(std::fs::TryLockError::WouldBlock) => {
                return Err(failed(&format!(
                    "another process runs an embedded server in {}; connect to that one by its URL, or \
                     use another folder",
                    directory.display()
                )));
            }
            Err(std::fs::TryLockError::Error(error)) => {
                return Err(cannot("lock the folder", error));
            }
        }
    }
}

fn failed(message: &str) -> Error {
    Error::new("embedded", ErrorKind::Embedded(message.to_owned()))
}
