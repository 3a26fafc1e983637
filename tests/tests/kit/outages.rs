//! Paused traffic, refused and dropped connections, and stopped servers behind the proxy.

use std::time::{Duration, Instant};

use metastore_tests::resp::encode;
use metastore_tests::{Connection, Proxy, Server, wait};
use tokio::time::timeout;

async fn set_up() -> (Server, Proxy, Connection) {
    let server = Server::start().await;
    let proxy = Proxy::start(server.port()).await;
    let client = Connection::open(proxy.port()).await;
    let mut client = client.expect("the proxy listens");
    // The system completes a connection before the proxy knows of it. After a reply the proxy
    // certainly does.
    client.call(&["PING"]).await.expect("a reply");
    proxy.reset_counts();
    (server, proxy, client)
}

async fn answers(proxy: &Proxy) -> bool {
    match Connection::open(proxy.port()).await {
        Ok(mut client) => client.call(&["PING"]).await.is_ok(),
        Err(_) => false,
    }
}

#[tokio::test]
async fn a_paused_proxy_forwards_nothing_until_it_is_resumed() {
    let (server, proxy, mut client) = set_up().await;
    proxy.pause();
    let increment = client.call(&["INCR", "n"]);
    tokio::pin!(increment);
    let early = timeout(Duration::from_millis(100), &mut increment).await;
    assert!(early.is_err(), "nothing comes out of a black hole");
    assert_eq!(server.get_string("n").await, None);
    assert_eq!(proxy.bytes_up(), 0);
    proxy.resume();
    assert_eq!(increment.await.expect("a late reply").as_int(), 1);
}

#[tokio::test]
async fn dropping_a_paused_connection_discards_what_it_held() {
    let (server, proxy, mut client) = set_up().await;
    proxy.pause();
    let early = timeout(Duration::from_millis(50), client.call(&["INCR", "n"])).await;
    assert!(early.is_err(), "nothing comes out of a black hole");
    proxy.drop_all();
    assert!(client.read_to_close().await.is_empty());
    proxy.resume();
    assert!(answers(&proxy).await);
    assert_eq!(server.get_string("n").await, None);
}

#[tokio::test]
async fn a_slow_line_delays_each_direction_and_loses_nothing() {
    let (server, proxy, mut client) = set_up().await;
    for (requests, replies) in [(120, 0), (0, 120), (60, 60)] {
        let begin = Instant::now();
        proxy.slow_down(Duration::from_millis(requests), Duration::from_millis(replies));
        client.call(&["INCR", "n"]).await.expect("a late reply");
        let took = begin.elapsed();
        assert!(took >= Duration::from_millis(120), "{requests} and {replies} ms: {took:?}");
    }
    assert_eq!(server.get_string("n").await.as_deref(), Some("3"));
    // Requests of the slow time do not overtake each other.
    proxy.slow_down(Duration::from_millis(20), Duration::ZERO);
    let request = encode(&["APPEND", "text", "a"]);
    client.send_bytes(&request).await.expect("the proxy reads");
    proxy.slow_down(Duration::ZERO, Duration::ZERO);
    client.call(&["APPEND", "text", "b"]).await.expect("a reply");
    wait::until("both requests to arrive", Duration::from_secs(5), async || {
        server.get_string("text").await.as_deref() == Some("ab")
    })
    .await;
}

#[tokio::test]
async fn a_refusing_proxy_closes_only_new_connections() {
    let (_server, proxy, mut client) = set_up().await;
    proxy.refuse(true);
    assert!(!answers(&proxy).await);
    assert!(client.call(&["PING"]).await.is_ok());
    proxy.refuse(false);
    assert!(answers(&proxy).await);
}

#[tokio::test]
async fn dropped_connections_are_closed_and_new_ones_work() {
    let (_server, proxy, mut first) = set_up().await;
    let mut second = Connection::open(proxy.port()).await.expect("a connection");
    second.call(&["PING"]).await.expect("a reply");
    proxy.drop_all();
    assert!(first.call(&["PING"]).await.is_err());
    assert!(second.call(&["PING"]).await.is_err());
    assert!(answers(&proxy).await);
    assert_eq!(proxy.cuts(), 0);
}

#[tokio::test]
async fn connections_end_when_the_server_is_killed_and_work_when_it_is_back() {
    let (server, proxy, mut client) = set_up().await;
    server.kill();
    assert!(client.read_to_close().await.is_empty());
    assert!(!answers(&proxy).await);
    server.restart().await;
    assert!(answers(&proxy).await);
}

#[tokio::test]
async fn delayed_replies_come_late() {
    let (_server, proxy, mut client) = set_up().await;
    proxy.delay_replies(Duration::from_millis(100));
    let begin = Instant::now();
    client.call(&["PING"]).await.expect("a reply");
    assert!(begin.elapsed() >= Duration::from_millis(100));
}

#[tokio::test]
async fn a_dropped_proxy_closes_its_connections() {
    let (server, proxy, mut client) = set_up().await;
    let port = proxy.port();
    drop(proxy);
    assert!(client.read_to_close().await.is_empty());
    wait::until("the port to be free", Duration::from_secs(5), async || {
        Connection::open(port).await.is_err()
    })
    .await;
    assert_eq!(server.cli(&["PING"]).await.as_str(), "PONG");
}
