//! Trimming without a write, and long histories that are deleted.

use metastore::{Collection as _, Item, Store, Timestamp};
use metastore_tests::Server;

use super::{AT, Aged, DAY, Kept, Page, envelope, listed, plant, repo, stored};
use crate::fixture::start;

#[tokio::test]
async fn an_item_that_is_not_written_any_more_can_be_trimmed() {
    let (server, base) = start().await;
    let now = base.texts.store().now().as_millis();
    let mut written = vec![now - 100 * DAY; 2_500];
    written.push(now);
    plant(&server, &written).await;
    let pages = repo::<Aged>(&base.texts);
    // The last of the old ones was superseded just now.
    server.reset_command_counts().await;
    assert_eq!(pages.trim("p").await.unwrap(), 2_499);
    let calls = server.command_counts().await;
    // Three steps of up to 1,000, and the script's text once.
    let scripts = calls.get("evalsha").unwrap_or(&0) + calls.get("eval").unwrap_or(&0);
    assert!((3..=4).contains(&scripts), "{calls:?}");
    assert_eq!(stored(&server, AT).await, [2_500]);
    assert_eq!(pages.trim("p").await.unwrap(), 0);
    assert!(pages.trim("nobody").await.unwrap_err().is_not_found());
    assert_eq!(repo::<Page>(&base.texts).trim("nobody").await.unwrap(), 0, "nothing to apply");
    assert_eq!(repo::<Kept>(&base.texts).trim("p").await.unwrap(), 0);
}

#[tokio::test]
async fn a_whole_collection_is_trimmed_in_steps_that_can_be_resumed() {
    let (server, base) = start().await;
    let all = repo::<Page>(&base.texts);
    let mut latest = Vec::new();
    for item in 0..25 {
        let mut page = all.create(Page { body: "0".into() }).await.unwrap();
        for number in 1..=item % 8 {
            page = all.update(&page, Page::patch().body(number.to_string())).await.unwrap();
        }
        latest.push(page);
    }
    let surplus = |page: &Item<Page>| page.version.saturating_sub(3);
    let pages = repo::<Kept>(&base.texts);
    let mut steps = Vec::new();
    let first = pages.trim_all().limit(10).progress(|so_far| steps.push(so_far.done)).await;
    let first = first.unwrap();
    assert_eq!((first.total, first.done), (25, 10));
    assert_eq!(first.removed, latest[..10].iter().map(surplus).sum::<u64>());
    // An error of one item does not stop the others.
    let broken = format!("myapp:wiki:pages:{}:latest", latest[20].id);
    server.cli(&["SET", broken.as_str(), "something else"]).await;
    all.delete(&latest[21].id).await.unwrap();
    let rest = pages.trim_all().resume(first.resume.as_ref().unwrap()).await.unwrap();
    assert_eq!((rest.done, rest.failed, rest.resume), (14, 1, None));
    assert_eq!(rest.failures[0].key(), Some(broken.as_str()));
    let untouched = [20, 21].map(|item| surplus(&latest[item])).iter().sum::<u64>();
    assert_eq!(rest.removed, latest[10..].iter().map(surplus).sum::<u64>() - untouched);
    for page in &latest[..20] {
        let left = pages.versions(&page.id).await.unwrap();
        assert_eq!(left.len() as u64, page.version.min(3));
    }
    assert_eq!(pages.trim_all().await.unwrap().removed, 0);
    assert_eq!(all.trim_all().await.unwrap().done, 0, "a collection that keeps all");
    assert_eq!(steps, [10]);
    assert!(pages.trim_all().limit(0).await.is_err());
}

#[tokio::test]
async fn every_read_of_history_reports_removed_versions() {
    let (server, base) = start().await;
    let now = base.texts.store().now().as_millis();
    let written: Vec<u64> = (0..10).map(|n| now - 1_000 + n * 10).collect();
    plant(&server, &written).await;
    let pages = repo::<Kept>(&base.texts);
    assert_eq!(pages.trim("p").await.unwrap(), 7);
    let gone = Some("myapp:wiki:pages:p:version:7");
    let error = pages.diff("p", 7, 9).await.unwrap_err();
    assert_eq!((error.is_not_found(), error.key()), (true, gone), "{error}");
    let error = pages.revert("p", 7).await.unwrap_err();
    assert_eq!((error.is_not_found(), error.key()), (true, gone), "{error}");
    assert!(pages.get_version("p", 7).await.unwrap().is_none());
    let as_of = async |number: usize| {
        let time = Timestamp::from_millis(written[number - 1]);
        pages.as_of("p", time).await.unwrap().map(|page| page.version)
    };
    assert_eq!([as_of(1).await, as_of(7).await, as_of(8).await], [None, None, Some(8)]);
    assert_eq!(pages.revert("p", 8).await.unwrap().version, 11);
    assert_eq!(listed(&pages).await, [11, 10, 9], "a revert trims, too");
}

#[tokio::test]
async fn deleting_an_item_at_version_a_million_does_not_look_for_a_million_versions() {
    let (server, base) = start().await;
    let now = base.texts.store().now().as_millis();
    let million = 1_000_000;
    for number in million - 2..million {
        let key = format!("{AT}:version:{number}");
        server.cli(&["SET".to_owned(), key, envelope(number, now, now)]).await;
    }
    let latest = format!("{AT}:latest");
    server.cli(&["SET".to_owned(), latest, envelope(million, now, now)]).await;
    server.cli(&["SET", "myapp:wiki:pages:p:trimmed", "999998"]).await;
    let pages = repo::<Kept>(&base.texts);
    pages.update("p", Kept::patch().body("next")).await.unwrap();
    assert_eq!(stored(&server, AT).await, [999_999, 1_000_000]);
    server.reset_command_counts().await;
    assert!(pages.delete("p").await.unwrap());
    let counts = server.command_counts().await;
    assert!(counts["unlink"] < 10, "{counts:?}");
    let left = server.keys().await;
    assert_eq!(left, ["idx:myapp:wiki:pages:commits"]);
}

#[tokio::test]
async fn deleting_a_long_history_removes_all_of_it_without_blocking_others_for_long() {
    let server = Server::builder().arg("--enable-debug-command", "yes").start().await;
    let pages = Store::connect(server.url()).await.unwrap().repo::<Page>();
    let now = pages.store().now().as_millis();
    // Keys 0 to 25,000; the library numbers from 1.
    server.cli(&["DEBUG", "POPULATE", "25001", "myapp:wiki:pages:p:version", "50"]).await;
    server.cli(&["DEL", "myapp:wiki:pages:p:version:0"]).await;
    let latest = format!("{AT}:latest");
    server.cli(&["SET".to_owned(), latest, envelope(25_001, now, now)]).await;
    server.reset_command_counts().await;
    assert!(pages.delete("p").await.unwrap());
    let calls = server.command_counts().await;
    let scripts = calls.get("evalsha").unwrap_or(&0) + calls.get("eval").unwrap_or(&0);
    // Three steps, and the script's text once.
    assert!((3..=4).contains(&scripts), "{calls:?}");
    assert_eq!(server.keys().await, ["idx:myapp:wiki:pages:commits"]);
}
