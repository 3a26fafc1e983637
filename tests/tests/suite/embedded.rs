//! The embedded server: private, kept if asked, and ended with its process.

use metastore::{Collection, ErrorKind, Store};
use metastore_tests::wait;
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::fixture::{MyRepo, SOON, Text, text};

#[tokio::test]
async fn an_embedded_server_ends_with_its_process_even_when_that_is_killed() {
    let mut child = tokio::process::Command::new(env!("CARGO_BIN_EXE_test-worker"))
        .args(["embedded", "1000", "1000", "0", "0"])
        .stdout(std::process::Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut says = BufReader::new(child.stdout.take().unwrap()).lines();
    let url = says.next_line().await.unwrap().unwrap();
    let guest = Store::connect(&url).await.unwrap();
    let texts = guest.repo::<Text>();
    let item = texts.create(text("one")).await.unwrap();
    child.kill().await.unwrap();
    let folder = socket(&guest).parent().unwrap().to_owned();
    wait::until("the folder to go", SOON, async || !folder.exists()).await;
    assert!(tokio::time::timeout(SOON, texts.get(&item.id)).await.unwrap().is_err());
}

/// The socket file of an embedded server's URL.
fn socket(store: &Store) -> std::path::PathBuf {
    store.url().strip_prefix("redis+unix://").expect("a socket").into()
}

#[tokio::test]
async fn an_embedded_server_is_private_and_ends_with_its_last_store() {
    let one = Store::embedded().await.unwrap();
    let two = Store::embedded().await.unwrap();
    assert_ne!(one.url(), two.url());
    let (texts, others) = (MyRepo::with_store(&one).texts, MyRepo::with_store(&two).texts);
    texts.create(text("mine")).await.unwrap();
    assert_eq!((texts.count().await.unwrap(), others.count().await.unwrap()), (1, 0));
    // Another process could use it by its URL.
    let guest = Store::connect(one.url()).await.unwrap();
    assert_eq!(MyRepo::with_store(&guest).texts.count().await.unwrap(), 1);

    let folder = socket(&one).parent().unwrap().to_owned();
    assert!(folder.exists());
    drop(one);
    assert!(texts.count().await.is_ok());
    drop(texts);
    wait::until("the folder to go", SOON, async || !folder.exists()).await;
}

#[tokio::test]
async fn an_embedded_server_keeps_its_data_where_it_is_told_to() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::embedded_at(folder.path()).await.unwrap();
    let repo = MyRepo::with_store(&store);
    let item = repo.texts.create(text("kept")).await.unwrap();
    repo.texts.update(&item, Text::patch().content("still kept")).await.unwrap();

    let error = Store::embedded_at(folder.path()).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Embedded(_)), "{error:?}");
    assert!(error.to_string().contains("another"), "{error}");
    drop((store, repo));

    let mut again = None;
    wait::until("the folder to be free", SOON, async || {
        again = Store::embedded_at(folder.path()).await.ok();
        again.is_some()
    })
    .await;
    let repo = MyRepo::with_store(&again.unwrap());
    let stored = repo.texts.get(&item.id).await.unwrap().unwrap();
    assert_eq!((stored.version, stored.data.content.as_str()), (2, "still kept"));
}
