//! No server outlives the process that started it, however that process ends.

use std::env;
use std::future::pending;
use std::io::{BufRead, BufReader, Write, stdout};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use metastore_tests::{Connection, Server, wait};

/// Set in the process that is going to be killed.
const VICTIM: &str = "METASTORE_KIT_VICTIM";

/// Comes before the port and the directory of the victim's server in the victim's output.
const MARK: &str = "server of the victim: ";

/// Does nothing in an ordinary run. The test below runs it in a process of its own.
#[tokio::test]
async fn victim() {
    if env::var_os(VICTIM).is_none() {
        return;
    }
    let server = Server::start().await;
    let directory = server.directory().display();
    writeln!(stdout(), "{MARK}{} {directory}", server.port()).expect("somebody reads the output");
    pending::<()>().await;
}

#[tokio::test]
async fn a_server_dies_with_the_process_that_started_it() {
    let this_program = env::current_exe().expect("a running program has a path");
    let mut victim = Command::new(this_program)
        .args(["--exact", "orphan::victim", "--nocapture"])
        .env(VICTIM, "1")
        .stdout(Stdio::piped())
        .spawn()
        .expect("a test program can start itself");
    let output = victim.stdout.take().expect("the output is a pipe");
    let line = BufReader::new(output)
        .lines()
        .map_while(Result::ok)
        .find_map(|line| Some(line.split_once(MARK)?.1.to_owned()))
        .expect("the victim should print the port of its server");
    let (port, directory) = line.split_once(' ').expect("there are two words");
    let port = port.parse().expect("the first word is a port");

    assert!(Connection::open(port).await.is_ok());
    // On Unix this is SIGKILL, after which not a single line of the victim's code runs.
    victim.kill().expect("the victim is still running");
    victim.wait().expect("the victim is a child of this process");

    let patience = Duration::from_secs(5);
    wait::until("the orphaned server to be gone", patience, async || {
        Connection::open(port).await.is_err()
    })
    .await;
    wait::until("its directory to be gone", patience, async || !Path::new(directory).exists())
        .await;
}
