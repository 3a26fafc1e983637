//! Starting, stopping, restarting and inspecting servers.

use std::time::{Duration, Instant};

use metastore_tests::{Connection, Reply, Server};
use tokio::time::timeout;

async fn refuses_connections(port: u16) -> bool {
    Connection::open(port).await.is_err()
}

#[tokio::test]
async fn a_server_answers_until_it_is_stopped() {
    let server = Server::start().await;
    assert_eq!(server.url(), format!("redis://127.0.0.1:{}", server.port()));
    assert_eq!(server.cli(&["PING"]).await.as_str(), "PONG");
    server.stop();
    assert!(refuses_connections(server.port()).await);
    server.stop();
}

#[tokio::test]
async fn a_dropped_server_is_gone_with_its_directory() {
    let server = Server::start().await;
    let (port, directory) = (server.port(), server.directory().to_owned());
    assert!(directory.exists());
    drop(server);
    assert!(refuses_connections(port).await);
    assert!(!directory.exists());
}

#[tokio::test]
async fn the_pid_is_the_one_of_the_server_itself() {
    let server = Server::start().await;
    assert_eq!(server.info_field("process_id").await, server.pid().to_string());
}

#[tokio::test]
async fn servers_are_independent() {
    let (first, second) = tokio::join!(Server::start(), Server::start());
    first.cli(&["SET", "key", "value"]).await;
    assert_eq!(second.dbsize().await, 0);
}

#[tokio::test]
async fn an_append_only_server_keeps_its_data_over_a_kill() {
    let server = Server::builder().append_only(true).start().await;
    let (port, pid) = (server.port(), server.pid());
    server.cli(&["SET", "key", "value"]).await;
    server.kill();
    assert!(refuses_connections(port).await);
    server.restart().await;
    assert_eq!(server.port(), port);
    assert_ne!(server.pid(), pid);
    assert_eq!(server.get_string("key").await.as_deref(), Some("value"));
}

#[tokio::test]
async fn a_default_server_forgets_its_data_over_a_restart() {
    let server = Server::start().await;
    server.cli(&["SET", "key", "value"]).await;
    server.restart().await;
    assert_eq!(server.get_string("key").await, None);
}

#[tokio::test]
async fn a_password_is_asked_for() {
    let server = Server::builder().password("sesame1").start().await;
    let port = server.port();
    assert_eq!(server.url(), format!("redis://:sesame1@127.0.0.1:{port}"));
    assert_eq!(server.cli(&["PING"]).await.as_str(), "PONG");

    let mut stranger = Connection::open(port).await.expect("the server listens");
    let reply = stranger.call(&["PING"]).await.expect("the server answers");
    assert!(reply.error().is_some_and(|text| text.contains("NOAUTH")));
    server.restart().await;
}

#[tokio::test]
async fn options_reach_the_server() {
    let server = Server::builder().arg("--maxmemory", "3mb").start().await;
    assert_eq!(server.info_field("maxmemory").await, "3145728");
}

#[tokio::test]
#[should_panic(expected = "no-such-option")]
async fn a_server_that_does_not_start_shows_its_log() {
    Server::builder().arg("--no-such-option", "1").start().await;
}

#[tokio::test]
async fn a_frozen_server_answers_when_it_is_thawed() {
    let server = Server::start().await;
    server.freeze();
    let mut connection = server.connect().await.expect("the port is still open");
    let ping = connection.call(&["PING"]);
    tokio::pin!(ping);
    let early = timeout(Duration::from_millis(200), &mut ping).await;
    assert!(early.is_err(), "a frozen server does not answer");
    server.thaw();
    let reply = ping.await.expect("a thawed server answers");
    assert_eq!(reply.as_str(), "PONG");
}

#[tokio::test]
async fn a_frozen_server_can_be_stopped_and_restarted() {
    let server = Server::start().await;
    server.freeze();
    let begin = Instant::now();
    server.restart().await;
    assert!(begin.elapsed() < Duration::from_secs(5));
    assert_eq!(server.dbsize().await, 0);
}

#[tokio::test]
async fn the_data_of_a_server_can_be_read() {
    let server = Server::start().await;
    server.cli(&["SET", "b", "1"]).await;
    server.cli(&["RPUSH", "a", "x", "y"]).await;
    assert_eq!(server.keys().await, ["a", "b"]);
    assert_eq!(server.dbsize().await, 2);
    assert_eq!(server.get_string("b").await.as_deref(), Some("1"));
    let list = server.cli(&["LRANGE", "a", "0", "-1"]).await;
    assert_eq!(list.as_strings(), ["x", "y"]);
    assert!(server.cli(&["GET", "none"]).await.is_nil());
    assert!(matches!(server.cli(&["GET", "a"]).await, Reply::Error(_)));
}

#[tokio::test]
async fn a_server_counts_commands() {
    let server = Server::start().await;
    for _ in 0..3 {
        server.cli(&["INCR", "n"]).await;
    }
    let counts = server.command_counts().await;
    assert_eq!(counts.get("incr"), Some(&3));
    server.reset_command_counts().await;
    server.cli(&["INCR", "n"]).await;
    assert_eq!(server.command_counts().await.get("incr"), Some(&1));
}
