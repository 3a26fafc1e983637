//! Groups of new items that are large enough for a transaction, in which the documents do not pass
//! through the script.

use metastore::{ErrorKind, Id, Store};
use metastore_tests::Server;

use crate::fixture::{MyRepo, start, start_with, text};

const INDEX: &str = "idx:myapp:textsplitter:texts";
const SCRATCH: &str = "metastore:scratch:myapp:textsplitter:texts";

/// Creates 100 items in one chunk, of which each must succeed.
async fn create_hundred(repo: &MyRepo) -> Vec<Id> {
    let created = repo.texts.create_many((0..100).map(|n| text(&n.to_string()))).await;
    created.into_iter().map(|item| item.unwrap().id.clone()).collect()
}

/// Checks that these items and nothing else exist.
async fn check(server: &Server, repo: &MyRepo, ids: &[Id]) {
    let listed = repo.texts.list().limit(1_000).await.unwrap();
    let mut listed: Vec<&Id> = listed.iter().map(|item| &item.id).collect();
    let mut expected: Vec<&Id> = ids.iter().collect();
    listed.sort_unstable();
    expected.sort_unstable();
    assert_eq!(listed, expected);
    assert!(repo.texts.verify().await.unwrap().is_clean());
    let keys = server.keys().await;
    assert_eq!(keys.iter().filter(|key| key.ends_with(":latest")).count(), ids.len());
    assert!(!keys.iter().any(|key| key == SCRATCH), "the scratch key is left");
}

#[tokio::test]
async fn a_group_is_one_transaction_with_and_without_known_commits() {
    let (server, repo) = start_with(Store::options().audit(true)).await;
    let mut ids = create_hundred(&repo).await;
    for _ in 0..2 {
        server.reset_command_counts().await;
        ids.extend(create_hundred(&repo).await);
        let counts = server.command_counts().await;
        assert_eq!((counts["exec"], counts["evalsha"], counts["msetnx"]), (1, 2, 1));
        // From now on, the server knows the commits of a deleted item.
        assert!(repo.texts.delete(&ids.remove(0)).await.unwrap());
    }
    check(&server, &repo, &ids).await;
    let trail = repo.texts.audit(&ids[150]).await.unwrap().entries;
    assert_eq!(trail.len(), 1);
    assert_eq!(trail[0].id, ids[150]);
}

#[tokio::test]
async fn nothing_is_written_if_the_check_fails() {
    let (server, repo) = start().await;
    server.cli(&["SET", INDEX, "foreign"]).await;
    for result in repo.texts.create_many((0..100).map(|n| text(&n.to_string()))).await {
        let error = result.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::WrongType(_)), "{error:?}");
    }
    let keys = server.keys().await;
    assert!(!keys.iter().any(|key| key.ends_with(":latest")), "{keys:?}");
    server.cli(&["DEL", INDEX]).await;
    let ids = create_hundred(&repo).await;
    check(&server, &repo, &ids).await;
}

#[tokio::test]
async fn a_server_that_forgets_its_scripts_gets_them_again() {
    let (server, repo) = start().await;
    let mut ids = create_hundred(&repo).await;
    server.cli(&["SCRIPT", "FLUSH"]).await;
    server.reset_command_counts().await;
    ids.extend(create_hundred(&repo).await);
    let counts = server.command_counts().await;
    assert_eq!((counts["exec"], counts["evalsha"], counts["eval"]), (2, 2, 2));
    check(&server, &repo, &ids).await;
}

#[tokio::test]
async fn a_scratch_key_of_others_is_replaced() {
    let (server, repo) = start_with(Store::options().audit(true)).await;
    let mut ids = Vec::new();
    for command in [&["SET", SCRATCH, "1"][..], &["RPUSH", SCRATCH, "x"]] {
        server.cli(command).await;
        ids.extend(create_hundred(&repo).await);
        check(&server, &repo, &ids).await;
        server.cli(command).await;
        ids.push(repo.texts.create(text("alone")).await.unwrap().id.clone());
        check(&server, &repo, &ids).await;
    }
}

#[tokio::test]
async fn without_a_right_to_the_scratch_key_each_item_is_created_alone() {
    let server = Server::start().await;
    let rights = ["~myapp:*", "~idx:myapp:*", "~stream:*", "~catalog*", "&*", "+@all", "-@admin"];
    server.cli(&[&["ACL", "SETUSER", "app", "on", ">secret"][..], &rights].concat()).await;
    let url = server.url().replace("redis://", "redis://app:secret@");
    let repo = MyRepo::with_store(&Store::connect(&url).await.unwrap());
    let ids = create_hundred(&repo).await;
    let all_rights = MyRepo::with_store(&Store::connect(server.url()).await.unwrap());
    check(&server, &all_rights, &ids).await;
}
