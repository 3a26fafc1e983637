//! A private server for this process.
//!
//! It is started through a shell that waits on a pipe held by this process. When the process ends, in
//! whatever way, the pipe closes and the shell ends the server. The server runs in a process group of
//! its own, so that Ctrl-C in a terminal reaches the program, which may still want to write.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::error::{Error, ErrorKind, Result};

/// The variable that names the server to start.
const SERVER: &str = "METASTORE_REDIS_SERVER";

/// How long a server may take until it answers; one with kept data loads it first.
const START_TIMEOUT: Duration = Duration::from_secs(30);

/// Starts the server ("$@"), and ends it when standard input closes.
const KEEPER: &str = r#"
"$@" </dev/null >"$METASTORE_LOG" 2>&1 &
server=$!
(while kill -0 "$server" 2>/dev/null; do sleep 0.2; done; kill $$ 2>/dev/null) &
watcher=$!
read -r _ 
kill "$watcher" 2>/dev/null
kill "$server" 2>/dev/null
wait "$server" 2>/dev/null
[ -n "$METASTORE_REMOVE" ] && rm -rf "$METASTORE_REMOVE"
"#;

pub(super) struct EmbeddedServer {
    keeper: Child,
    socket: PathBuf,
    // Held for as long as the server runs; the operating system frees the lock with the process.
    _lock: Option<File>,
    _folder: TempDir,
}

impl EmbeddedServer {
    /// Starts a server that keeps its data in `directory`, or one whose data ends with it.
    pub(super) async fn start(directory: Option<&Path>) -> Result<Self> {
        let program = find_server()?;
        let folder = tempfile::Builder::new()
            .prefix("metastore-")
            .tempdir()
            .map_err(|error| failed("cannot make a temporary folder").caused_by(error))?;
        let lock = directory.map(lock).transpose()?;
        let socket = folder.path().join("server.sock");
        let log = folder.path().join("server.log");
        let mut command = Command::new("sh");
        command
            .arg("-c")
            .arg(KEEPER)
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
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        own_process_group(&mut command);
        let keeper =
            command.spawn().map_err(|error| failed("cannot start a shell").caused_by(error))?;
        let mut server = Self { keeper, socket, _lock: lock, _folder: folder };
        server.wait_until_it_answers(&log).await?;
        Ok(server)
    }

    pub(super) fn url(&self) -> String {
        format!("redis+unix://{}", self.socket.display())
    }

    async fn wait_until_it_answers(&mut self, log: &Path) -> Result<()> {
        let started = Instant::now();
        loop {
            if answers(&self.socket).await {
                return Ok(());
            }
            let ended = self.keeper.try_wait().ok().flatten().is_some();
            if ended || started.elapsed() > START_TIMEOUT {
                let mut text = String::new();
                if let Ok(mut file) = File::open(log) {
                    let _ = file.read_to_string(&mut text);
                }
                let last = text.lines().rev().find(|line| !line.trim().is_empty());
                let what = if ended { "it ended at once" } else { "it does not answer" };
                return Err(failed(&format!("{what}; its last words: {}", last.unwrap_or("none"))));
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

impl Drop for EmbeddedServer {
    fn drop(&mut self) {
        // Closing the pipe is what tells the shell.
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}

#[cfg(unix)]
fn own_process_group(command: &mut Command) {
    std::os::unix::process::CommandExt::process_group(command, 0);
}

/// Whether the server answers a PING; one that loads its data does not yet.
async fn answers(socket: &Path) -> bool {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let exchange = async {
        let mut stream = tokio::net::UnixStream::connect(socket).await.ok()?;
        stream.write_all(b"PING\r\n").await.ok()?;
        let mut reply = [0; 7];
        stream.read_exact(&mut reply).await.ok()?;
        Some(&reply == b"+PONG\r\n")
    };
    let patience = Duration::from_secs(1);
    tokio::time::timeout(patience, exchange).await.ok().flatten().unwrap_or(false)
}

fn find_server() -> Result<PathBuf> {
    if let Some(named) = std::env::var_os(SERVER) {
        let path = PathBuf::from(named);
        if path.is_file() {
            return Ok(path);
        }
        return Err(failed(&format!("{SERVER} names {}, which is no file", path.display())));
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
        "there is no redis-server and no valkey-server on the PATH; install one \
         (for example `apt-get install redis-server` or `brew install redis`) or name it in {SERVER}"
    )))
}

/// Two servers on one append-only file would destroy it.
fn lock(directory: &Path) -> Result<File> {
    let cannot = |what: &str, error: std::io::Error| {
        failed(&format!("cannot {what} {}", directory.display())).caused_by(error)
    };
    std::fs::create_dir_all(directory).map_err(|error| cannot("make the folder", error))?;
    let file = File::create(directory.join("metastore.lock"))
        .map_err(|error| cannot("lock the folder", error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(failed(&format!(
            "another process runs an embedded server in {}",
            directory.display()
        ))),
        Err(std::fs::TryLockError::Error(error)) => Err(cannot("lock the folder", error)),
    }
}

fn failed(message: &str) -> Error {
    Error::new("embedded", ErrorKind::Embedded(message.to_owned()))
}
