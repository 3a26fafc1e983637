//! The version at a time.

use std::time::{Duration, UNIX_EPOCH};

use metastore::{Collection as _, Store, Timestamp};

use super::{AT, millis, plant};
use crate::fixture::{Text, start, start_proxied, text};

#[tokio::test]
async fn as_of_is_exact_at_the_moment_of_each_write() {
    let (server, repo) = start().await;
    // Version 3 and 4 were written in the same millisecond.
    plant(&server, &[1_000, 2_000, 3_000, 3_000, 5_000]).await;
    for (time, expected) in [
        (0, None),
        (999, None),
        (1_000, Some(1)),
        (1_001, Some(1)),
        (1_999, Some(1)),
        (2_000, Some(2)),
        (2_999, Some(2)),
        (3_000, Some(4)),
        (4_999, Some(4)),
        (5_000, Some(5)),
        (u64::MAX, Some(5)),
    ] {
        let item = repo.texts.as_of("abc123", millis(time)).await.unwrap();
        assert_eq!(item.as_ref().map(|item| item.version), expected, "at {time}");
        if let Some(item) = item {
            assert_eq!(item.data.content, item.version.to_string());
        }
    }
    let system = UNIX_EPOCH + Duration::from_micros(2_999_900);
    assert_eq!(repo.texts.as_of("abc123", system).await.unwrap().unwrap().version, 2);
    let parsed: Timestamp = "1970-01-01T01:00:03+01:00".parse().unwrap();
    assert_eq!(repo.texts.as_of("abc123", parsed).await.unwrap().unwrap().version, 4);
}

#[tokio::test]
async fn as_of_is_none_where_no_version_is_left() {
    let (server, repo) = start().await;
    assert!(repo.texts.as_of("abc123", millis(u64::MAX)).await.unwrap().is_none());
    plant(&server, &(1..=100).map(|n| n * 1_000).collect::<Vec<_>>()).await;
    for number in 1..=40 {
        server.cli(&["DEL".to_owned(), format!("{AT}:version:{number}")]).await;
    }
    for (time, expected) in [
        (999, None),
        (1_000, None),
        (40_999, None),
        (41_000, Some(41)),
        (41_999, Some(41)),
        (99_999, Some(99)),
        (100_000, Some(100)),
    ] {
        let item = repo.texts.as_of("abc123", millis(time)).await.unwrap();
        assert_eq!(item.map(|item| item.version), expected, "at {time}");
    }
    repo.texts.delete("abc123").await.unwrap();
    assert!(repo.texts.as_of("abc123", millis(50_000)).await.unwrap().is_none());
}

#[tokio::test]
async fn as_of_finds_each_version_of_a_real_history() {
    let (_server, repo) = start().await;
    let mut written: Vec<(u64, Timestamp)> = Vec::new();
    let mut item = repo.texts.create_with_id("abc123", text("1")).await.unwrap();
    for number in 2..=60 {
        written.push((item.version, item.updated_at));
        item = repo.texts.update(&item, Text::patch().content(number.to_string())).await.unwrap();
    }
    for (_, time) in &written {
        let expected = written.iter().rfind(|(_, other)| other == time).unwrap().0;
        let expected = if item.updated_at == *time { item.version } else { expected };
        let found = repo.texts.as_of("abc123", *time).await.unwrap().unwrap();
        assert_eq!(found.version, expected);
    }
}

#[tokio::test]
async fn as_of_makes_few_round_trips_however_long_the_history_is() {
    let (server, proxy, repo) = start_proxied(Store::options()).await;
    proxy.delay_replies(Duration::from_millis(20));
    for (count, most) in [(1, 1), (2, 2), (3, 3), (17, 3), (18, 4), (257, 4), (258, 5), (4_097, 5)]
    {
        let written: Vec<u64> = (1..=count).map(|n| n * 10).collect();
        plant(&server, &written).await;
        let mut trips = Vec::new();
        for version in [1, count / 3, count / 2, count - 1, count].into_iter().filter(|v| *v > 0) {
            proxy.reset_counts();
            let item = repo.texts.as_of("abc123", millis(version * 10 + 5)).await.unwrap();
            assert_eq!(item.unwrap().version, version, "of {count}");
            trips.push(proxy.round_trips());
        }
        assert_eq!(trips.iter().max(), Some(&most), "{trips:?} for {count} versions");
        assert_eq!(trips.last(), Some(&1), "the current version of {count}");
        // No more than a binary search would make.
        assert!(most <= u64::from(count.next_power_of_two().ilog2()) + 1);
    }
}
