//! Versions: when, by whom and in which write each was made.

use metastore::{Collection as _, Store};
use metastore_tests::wait;

use super::{AT, versions};
use crate::fixture::{SOON, Text, start, start_with, text};

#[tokio::test]
async fn versions_state_their_time_actor_and_commit() {
    let (server, repo) = start_with(Store::options().actor("ada")).await;
    let first = repo.texts.create_with_id("abc123", text("one")).await.unwrap();
    let bob = Store::options().actor("bob").connect(server.url()).await.unwrap().repo::<Text>();
    let second = bob.update("abc123", Text::patch().content("two")).await.unwrap();
    let listed = repo.texts.versions("abc123").await.unwrap();
    let actors: Vec<_> = listed.iter().map(|v| v.actor.as_ref().unwrap().as_str()).collect();
    assert_eq!(actors, ["bob", "ada"]);
    assert_eq!([&listed[0].commit, &listed[1].commit], [&second.commit, &first.commit]);
    assert_eq!([listed[0].written_at, listed[1].written_at], [second.updated_at, first.updated_at]);
}

#[tokio::test]
async fn versions_of_an_earlier_item_with_the_id_are_not_taken_for_this_ones() {
    let (server, repo) = start().await;
    versions(&repo.texts, &["one", "two", "three"]).await;
    // Removed without the library, so that its versions remain.
    server.cli(&["DEL".to_owned(), format!("{AT}:latest")]).await;
    wait::until("the clock", SOON, async || {
        let item = repo.texts.create(text("tick")).await.unwrap();
        let old = server.get_string(&format!("{AT}:version:1")).await.unwrap();
        !old.contains(&format!("\"created\":{}", item.created_at.as_millis()))
    })
    .await;
    repo.texts.create_with_id("abc123", text("new")).await.unwrap();
    repo.texts.update("abc123", Text::patch().content("newer")).await.unwrap();
    assert!(repo.texts.get_version("abc123", 3).await.unwrap().is_none());
    assert_eq!(repo.texts.versions("abc123").await.unwrap().len(), 2);
    assert!(repo.texts.diff("abc123", 1, 3).await.unwrap_err().is_not_found());
    assert!(repo.texts.revert("abc123", 3).await.unwrap_err().is_not_found());
}
