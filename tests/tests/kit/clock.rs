//! A server whose clock is set.

use metastore_tests::Server;

/// The time to live that a key has left, in milliseconds.
async fn left(server: &Server) -> i64 {
    server.cli(&["PTTL", "k"]).await.as_int()
}

#[tokio::test]
async fn the_clock_of_a_server_is_set_ahead_and_back_also_over_a_restart() {
    // `set_clock` itself compares the server's time with the machine's.
    let server = Server::builder().append_only(true).settable_clock(true).start().await;
    server.cli(&["SET", "k", "v", "PX", "3600000"]).await;
    server.set_clock(1_800_500).await;
    assert!((1_700_000..=1_800_000).contains(&left(&server).await));
    server.restart().await;
    assert!((1_700_000..=1_800_000).contains(&left(&server).await));
    server.set_clock(-1_800_500).await;
    assert!((5_300_000..=5_400_500).contains(&left(&server).await));
    server.set_clock(4_000_000).await;
    assert_eq!(left(&server).await, -2);
}
