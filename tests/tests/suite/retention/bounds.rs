//! The bounds `keep` and `keep_for`.

use super::{AT, Aged, Both, DAY, Kept, Latest, Page, listed, plant, repo, stored};
use crate::fixture::start;
use metastore::Collection as _;

#[tokio::test]
async fn history_stays_bounded_by_keep_and_the_current_version_counts() {
    let (server, base) = start().await;
    let pages = repo::<Kept>(&base.texts);
    let mut page = pages.create_with_id("p", Kept { body: "1".into() }).await.unwrap();
    for number in 2..=20u64 {
        page = pages.update(&page, Kept::patch().body(number.to_string())).await.unwrap();
        let oldest = number.saturating_sub(2).max(1);
        assert_eq!(stored(&server, AT).await, (oldest..number).collect::<Vec<_>>());
        assert_eq!(listed(&pages).await, (oldest..=number).rev().collect::<Vec<_>>());
    }
    assert_eq!(page.version, 20, "versions are counted on, whatever goes");
    assert!(pages.get_version("p", 17).await.unwrap().is_none());
    assert_eq!(pages.get_version("p", 18).await.unwrap().unwrap().data.body, "18");
    let page = pages.versions("p").before(19).limit(5).await.unwrap();
    assert_eq!(page.iter().map(|version| version.version).collect::<Vec<_>>(), [18]);
    assert!(pages.versions("p").before(18).await.unwrap().is_empty());
}

#[tokio::test]
async fn keep_1_leaves_no_older_version_and_never_removes_the_current_one() {
    let (server, base) = start().await;
    let pages = repo::<Latest>(&base.texts);
    let mut page = pages.create_with_id("p", Latest { body: "1".into() }).await.unwrap();
    for number in 2..=5 {
        page = pages.update(&page, Latest::patch().body(number.to_string())).await.unwrap();
        assert_eq!(stored(&server, AT).await, Vec::<u64>::new());
        assert_eq!(pages.get("p").await.unwrap().unwrap().version, number);
        assert_eq!(listed(&pages).await, [number]);
    }
    assert!(pages.update(&page, Latest::patch().body("5")).await.unwrap().unchanged);
    assert!(pages.delete("p").await.unwrap());
    assert!(!server.keys().await.contains(&format!("{AT}:trimmed")));
}

#[tokio::test]
async fn a_version_is_removed_once_it_has_been_superseded_for_longer_than_keep_for() {
    let (server, base) = start().await;
    let pages = repo::<Aged>(&base.texts);
    let now = base.texts.store().now().as_millis();
    // Version 3 was written long ago but superseded only 89 days ago, so it stays.
    plant(&server, &[now - 400 * DAY, now - 300 * DAY, now - 200 * DAY, now - 89 * DAY, now]).await;
    let page = pages.update("p", Aged::patch().body("6")).await.unwrap();
    assert_eq!(stored(&server, AT).await, [3, 4, 5]);
    pages.update(&page, Aged::patch().body("7")).await.unwrap();
    assert_eq!(stored(&server, AT).await, [3, 4, 5, 6]);
    assert_eq!(listed(&pages).await, [7, 6, 5, 4, 3]);
    // The current version stays, however old it is.
    server.cli(&["FLUSHALL"]).await;
    plant(&server, &[now - 400 * DAY, now - 300 * DAY]).await;
    assert_eq!(pages.trim("p").await.unwrap(), 1);
    assert_eq!(listed(&pages).await, [2]);
}

#[tokio::test]
async fn with_both_bounds_a_version_is_removed_as_soon_as_one_allows_it() {
    let (server, base) = start().await;
    let pages = repo::<Both>(&base.texts);
    let now = base.texts.store().now().as_millis();
    plant(&server, &[now - 3, now - 2, now - 1, now, now, now]).await;
    pages.update("p", Both::patch().body("7")).await.unwrap();
    assert_eq!(stored(&server, AT).await, [4, 5, 6], "by number");
    server.cli(&["FLUSHALL"]).await;
    plant(&server, &[now - 300 * DAY, now - 200 * DAY, now]).await;
    pages.update("p", Both::patch().body("4")).await.unwrap();
    assert_eq!(stored(&server, AT).await, [2, 3], "by age");
}

#[tokio::test]
async fn a_tightened_retention_catches_up_over_writes_in_bounded_steps() {
    let (server, base) = start().await;
    let now = base.texts.store().now().as_millis();
    plant(&server, &vec![now - DAY; 250]).await;
    let pages = repo::<Kept>(&base.texts);
    pages.update("p", Kept::patch().body("251")).await.unwrap();
    assert_eq!(stored(&server, AT).await, (101..=250).collect::<Vec<_>>());
    // After half of the steps, the remaining versions can still be read.
    assert_eq!(listed(&pages).await, (101..=251).rev().collect::<Vec<_>>());
    assert_eq!(pages.get_version("p", 101).await.unwrap().unwrap().data.body, "101");
    pages.update("p", Kept::patch().body("252")).await.unwrap();
    assert_eq!(stored(&server, AT).await, (201..=251).collect::<Vec<_>>());
    pages.update("p", Kept::patch().body("253")).await.unwrap();
    assert_eq!(stored(&server, AT).await, [251, 252]);
    // With a longer retention removed versions stay removed, and new ones are kept.
    let all = repo::<Page>(&base.texts);
    for number in 254..=256 {
        all.update("p", Page::patch().body(number.to_string())).await.unwrap();
    }
    assert_eq!(stored(&server, AT).await, (251..=255).collect::<Vec<_>>());
    assert!(all.delete("p").await.unwrap());
    assert_eq!(server.keys().await, ["idx:myapp:wiki:pages:commits"]);
}

#[tokio::test]
async fn every_write_path_keeps_the_superseded_version() {
    // A path that bypasses history would lose what it overwrites.
    let (_server, base) = start().await;
    let pages = repo::<Page>(&base.texts);
    let body = |body: &str| Page { body: body.into() };
    pages.create_with_id("p", body("1")).await.unwrap();
    pages.update("p", Page::patch().body("2")).await.unwrap();
    pages.update_at("p", 2, Page::patch().body("3")).await.unwrap();
    pages.replace("p", body("4")).await.unwrap();
    pages.modify("p", |page| page.body = "5".into()).await.unwrap();
    pages.revert("p", 1).await.unwrap();
    pages.update("p", Page::patch().body("7")).await.unwrap();
    assert_eq!(pages.get_version("p", 6).await.unwrap().unwrap().data.body, "1");
    for number in 1..=5 {
        let version = pages.get_version("p", number).await.unwrap().unwrap();
        assert_eq!(version.data.body, number.to_string());
    }
}
