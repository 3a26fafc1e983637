//! Mutations: run, run on a version, stored, read back, several at once.

use metastore::{Collection, ErrorKind};

use crate::fixture::{Text, start, text};

#[tokio::test]
async fn a_mutation_runs_on_the_current_version_or_on_any_other() {
    let (_server, repo) = start().await;
    let item = repo.texts.create(text("one two three")).await.unwrap();
    repo.texts.update(&item.id, Text::patch().content("one two")).await.unwrap();
    let words: usize = repo.texts.item(&item.id).wordcount().run().await.unwrap();
    assert_eq!(words, 2);
    assert_eq!(repo.texts.item(&item.id).wordcount().run_on(1).await.unwrap(), 3);
    assert_eq!(repo.texts.item(&item.id).wordcount().run_on(2).await.unwrap(), 2);
    let split: Vec<String> = repo.texts.item(&item.id).textsplit().run().await.unwrap();
    assert_eq!(split, ["one", "two"]);
    // With an item in hand, its document is used.
    assert_eq!(repo.texts.item(&item).wordcount().run().await.unwrap(), 3);
    for error in [
        repo.texts.item(&item.id).wordcount().run_on(3).await.unwrap_err(),
        repo.texts.item("nobody").wordcount().run().await.unwrap_err(),
    ] {
        assert!(error.is_not_found(), "{error}");
    }
    let error = repo.texts.item("a:b").wordcount().run().await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::InvalidId(_)), "{error}");
}

#[tokio::test]
async fn a_stored_result_has_its_source_version_and_may_be_stale() {
    let (server, repo) = start().await;
    let item = repo.texts.create_with_id("abc123", text("one two three")).await.unwrap();
    let of_item = repo.texts.item(&item.id);
    assert!(of_item.wordcount().cached().await.unwrap().is_none());
    assert_eq!(of_item.wordcount().materialize().await.unwrap(), 3);
    let cached = of_item.wordcount().cached().await.unwrap().unwrap();
    assert_eq!((cached.value, cached.source_version, cached.stale), (3, 1, false));

    repo.texts.update(&item.id, Text::patch().content("one")).await.unwrap();
    let cached = of_item.wordcount().cached().await.unwrap().unwrap();
    assert_eq!((cached.value, cached.source_version, cached.stale), (3, 1, true));
    assert_eq!(of_item.wordcount().materialize().await.unwrap(), 1);
    // A result of an older version does not replace a newer one.
    assert_eq!(repo.texts.item(&item).wordcount().materialize().await.unwrap(), 3);
    let cached = of_item.wordcount().cached().await.unwrap().unwrap();
    assert_eq!((cached.value, cached.source_version, cached.stale), (1, 2, false));

    let stored = server.get_string("myapp:textsplitter:texts:abc123:mutation:wordcount").await;
    assert!(stored.unwrap().starts_with("{\"version\":2,"));
}

#[tokio::test]
async fn a_result_is_not_stored_for_an_item_that_is_gone_or_another() {
    let (server, repo) = start().await;
    let old = repo.texts.create_with_id("abc123", text("one two three")).await.unwrap();
    repo.texts.delete("abc123").await.unwrap();
    let error = repo.texts.item(&old).wordcount().materialize().await.unwrap_err();
    assert!(error.is_not_found(), "{error}");
    repo.texts.create_with_id("abc123", text("one")).await.unwrap();
    let error = repo.texts.item(&old).wordcount().materialize().await.unwrap_err();
    assert!(error.is_not_found(), "{error}");
    let stored = server.get_string("myapp:textsplitter:texts:abc123:mutation:wordcount").await;
    assert_eq!(stored, None);
    assert!(repo.texts.item("abc123").wordcount().cached().await.unwrap().is_none());
}

#[tokio::test]
async fn named_mutations_and_closures_share_one_read() {
    let (_server, repo) = start().await;
    let item = repo.texts.create(text("one two three")).await.unwrap();
    let factor = 10;
    let (words, pieces, scaled) = repo
        .texts
        .item(&item.id)
        .evaluate_all((Text::WORDCOUNT, Text::TEXTSPLIT, |text: &Text| text.name.len() * factor))
        .await
        .unwrap();
    assert_eq!((words, pieces.len(), scaled), (3, 3, 60));
}
