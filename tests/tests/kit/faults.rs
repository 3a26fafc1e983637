//! The proxy cuts connections at exactly the chosen point.

use std::time::Duration;

use metastore_tests::resp::encode;
use metastore_tests::{Connection, Cut, Proxy, Server, wait};

async fn set_up() -> (Server, Proxy, Connection) {
    let server = Server::start().await;
    let proxy = Proxy::start(server.port()).await;
    let client = Connection::open(proxy.port()).await;
    (server, proxy, client.expect("the proxy listens"))
}

async fn send(client: &mut Connection, command: &[&str]) {
    let request = encode(command);
    client.send_bytes(&request).await.expect("the proxy reads");
}

/// Waits until the server has only the connection left that asks.
async fn until_the_server_is_alone(server: &Server) {
    wait::until("the cut to arrive", Duration::from_secs(5), async || {
        server.info_field("connected_clients").await == "1"
    })
    .await;
}

#[tokio::test]
async fn a_request_that_is_cut_at_any_byte_is_not_executed() {
    let server = Server::start().await;
    let proxy = Proxy::start(server.port()).await;
    let length = encode(&["INCR", "n"]).len();
    for bytes in 0..length {
        let mut client = Connection::open(proxy.port()).await.expect("a connection");
        proxy.cut_next(Cut::RequestAt(bytes));
        assert!(!proxy.fired());
        proxy.reset_counts();
        send(&mut client, &["INCR", "n"]).await;
        assert!(client.read_to_close().await.is_empty());
        assert!(proxy.fired());
        assert_eq!(proxy.bytes_up(), bytes as u64);
        until_the_server_is_alone(&server).await;
    }
    assert_eq!(proxy.cuts(), length as u64);
    assert_eq!(server.get_string("n").await, None);
}

#[tokio::test]
async fn a_request_that_is_cut_after_its_last_byte_is_executed() {
    let (server, proxy, mut client) = set_up().await;
    proxy.cut_next(Cut::RequestAt(encode(&["INCR", "n"]).len()));
    send(&mut client, &["INCR", "n"]).await;
    assert!(client.read_to_close().await.is_empty());
    until_the_server_is_alone(&server).await;
    assert_eq!(server.get_string("n").await.as_deref(), Some("1"));
}

#[tokio::test]
async fn a_reply_that_is_cut_leaves_the_request_executed() {
    let server = Server::builder().start().await;
    let proxy = Proxy::start(server.port()).await;
    for bytes in 0..=4 {
        let mut client = Connection::open(proxy.port()).await.expect("a connection");
        proxy.cut_next(Cut::ReplyAt(bytes));
        send(&mut client, &["INCR", "n"]).await;
        let expected = format!(":{}\r\n", bytes + 1).into_bytes();
        assert_eq!(client.read_to_close().await, expected[..bytes]);
        assert!(proxy.fired());
    }
    assert_eq!(server.get_string("n").await.as_deref(), Some("5"));
}

#[tokio::test]
async fn a_cut_counts_across_chunks() {
    let (server, proxy, mut client) = set_up().await;
    let length = encode(&["INCR", "n"]).len();
    proxy.cut_next(Cut::RequestAt(2 * length + 3));
    for n in 1..=2 {
        let reply = client.call(&["INCR", "n"]).await.expect("a reply");
        assert_eq!(reply.as_int(), n);
        assert!(!proxy.fired());
    }
    send(&mut client, &["INCR", "n"]).await;
    assert!(client.read_to_close().await.is_empty());
    assert!(proxy.fired());
    assert_eq!(server.get_string("n").await.as_deref(), Some("2"));
}

#[tokio::test]
async fn a_fault_happens_once() {
    let (_server, proxy, mut client) = set_up().await;
    proxy.cut_next(Cut::ReplyAt(0));
    assert!(client.call(&["PING"]).await.is_err());
    let mut second = Connection::open(proxy.port()).await.expect("a connection");
    assert!(second.call(&["PING"]).await.is_ok());
    assert_eq!(proxy.cuts(), 1);
}

#[tokio::test]
async fn a_needle_lets_other_traffic_pass() {
    let (server, proxy, mut client) = set_up().await;
    let mut other = Connection::open(proxy.port()).await.expect("a connection");
    proxy.cut_when(b"wanted", Cut::ReplyAt(0));
    for connection in [&mut client, &mut other] {
        let reply = connection.call(&["PING"]).await.expect("a reply");
        assert_eq!(reply.as_str(), "PONG");
    }
    assert!(!proxy.fired());
    assert!(client.call(&["SET", "wanted", "1"]).await.is_err());
    assert!(proxy.fired());
    assert!(other.call(&["PING"]).await.is_ok());
    assert_eq!(server.get_string("wanted").await.as_deref(), Some("1"));
}

#[tokio::test]
async fn a_needle_works_for_requests_too() {
    let (server, proxy, mut client) = set_up().await;
    proxy.cut_when(b"wanted", Cut::RequestAt(5));
    client.call(&["SET", "other", "1"]).await.expect("a reply");
    assert!(client.call(&["SET", "wanted", "1"]).await.is_err());
    assert!(proxy.fired());
    assert_eq!(server.keys().await, ["other"]);
}

#[tokio::test]
async fn a_needle_is_found_across_two_chunks() {
    let (server, proxy, mut client) = set_up().await;
    proxy.cut_when(b"wanted", Cut::ReplyAt(0));
    let request = encode(&["SET", "wanted", "1"]);
    let middle = request.len() - 11;
    for part in [&request[..middle], &request[middle..]] {
        client.send_bytes(part).await.expect("the proxy reads");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(client.read_to_close().await.is_empty());
    assert!(proxy.fired());
    assert_eq!(server.dbsize().await, 1);
}

#[tokio::test]
async fn a_disarmed_fault_does_not_happen() {
    let (_server, proxy, mut client) = set_up().await;
    proxy.cut_next(Cut::RequestAt(0));
    proxy.disarm();
    assert!(client.call(&["PING"]).await.is_ok());
    assert!(!proxy.fired());
}
