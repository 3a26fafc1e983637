//! The proxy counts what a client really did on the wire.

use std::time::Duration;

use metastore_tests::resp::encode;
use metastore_tests::{Connection, Proxy, Server, wait};
use tokio::time::sleep;

async fn set_up() -> (Server, Proxy, Connection) {
    let server = Server::start().await;
    let proxy = Proxy::start(server.port()).await;
    let client = Connection::open(proxy.port()).await;
    (server, proxy, client.expect("the proxy listens"))
}

#[tokio::test]
async fn a_connection_alone_is_no_round_trip() {
    let (_server, proxy, _client) = set_up().await;
    wait::until("the connection", Duration::from_secs(5), async || proxy.connections() == 1).await;
    assert_eq!(proxy.round_trips(), 0);
}

#[tokio::test]
async fn one_command_is_one_round_trip() {
    let (_server, proxy, mut client) = set_up().await;
    let reply = client.call(&["GET", "key"]).await.expect("a reply");
    assert!(reply.is_nil());
    assert_eq!(proxy.round_trips(), 1);
    assert_eq!(proxy.bytes_up(), encode(&["GET", "key"]).len() as u64);
    assert_eq!(proxy.bytes_down(), "$-1\r\n".len() as u64);
}

#[tokio::test]
async fn three_sequential_commands_are_three_round_trips() {
    let (_server, proxy, mut client) = set_up().await;
    for _ in 0..3 {
        client.call(&["GET", "key"]).await.expect("a reply");
    }
    assert_eq!(proxy.round_trips(), 3);
    proxy.reset_counts();
    assert_eq!(proxy.round_trips() + proxy.bytes_up(), 0);
    client.call(&["GET", "key"]).await.expect("a reply");
    assert_eq!(proxy.round_trips(), 1);
}

#[tokio::test]
async fn a_pipelined_transaction_is_one_round_trip() {
    let (server, proxy, mut client) = set_up().await;
    let commands: &[&[&str]] = &[&["MULTI"], &["SET", "a", "1"], &["INCR", "a"], &["EXEC"]];
    let replies = client.pipeline(commands).await.expect("replies");
    assert_eq!(replies[3].as_array()[1].as_int(), 2);
    assert_eq!(proxy.round_trips(), 1);
    assert_eq!(server.get_string("a").await.as_deref(), Some("2"));
}

#[tokio::test]
async fn one_command_in_several_segments_is_one_round_trip() {
    let (_server, proxy, mut client) = set_up().await;
    let request = encode(&["SET", "key", "value"]);
    for part in request.chunks(10) {
        client.send_bytes(part).await.expect("the proxy reads");
        sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(client.read_reply().await.expect("a reply").as_str(), "OK");
    assert_eq!(proxy.round_trips(), 1);
}

#[tokio::test]
async fn commands_sent_before_the_first_reply_are_one_round_trip() {
    let (_server, proxy, mut client) = set_up().await;
    proxy.delay_replies(Duration::from_millis(200));
    for _ in 0..5 {
        let request = encode(&["INCR", "n"]);
        client.send_bytes(&request).await.expect("the proxy reads");
        sleep(Duration::from_millis(5)).await;
    }
    for n in 1..=5 {
        assert_eq!(client.read_reply().await.expect("a reply").as_int(), n);
    }
    assert_eq!(proxy.round_trips(), 1);
}

#[tokio::test]
async fn a_large_pipeline_with_held_back_replies_is_one_round_trip() {
    let (server, proxy, mut client) = set_up().await;
    proxy.delay_replies(Duration::from_millis(100));
    let value = "x".repeat(4000);
    let command: &[&str] = &["RPUSH", "list", &value];
    let replies = client.pipeline(&vec![command; 200]).await.expect("replies");
    assert_eq!(replies[199].as_int(), 200);
    assert_eq!(proxy.round_trips(), 1);
    assert_eq!(server.cli(&["LLEN", "list"]).await.as_int(), 200);
}

#[tokio::test]
async fn every_connection_makes_its_own_round_trips() {
    let (_server, proxy, mut first) = set_up().await;
    let mut second = Connection::open(proxy.port()).await.expect("a connection");
    let (one, two) = tokio::join!(first.call(&["PING"]), second.call(&["PING"]));
    assert_eq!(one.expect("a reply"), two.expect("a reply"));
    assert_eq!(proxy.round_trips(), 2);
    assert_eq!(proxy.connections(), 2);
}
