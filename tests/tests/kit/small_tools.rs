//! The small tools: waiting, unique names, replies.

use std::future::pending;
use std::time::Duration;

use metastore_tests::{Reply, unique_name, wait};

#[tokio::test]
async fn waiting_ends_as_soon_as_the_condition_holds() {
    let mut polls = 0;
    wait::until("the fourth poll", Duration::from_secs(5), async || {
        polls += 1;
        polls == 4
    })
    .await;
    assert_eq!(polls, 4);
}

#[tokio::test]
#[should_panic(expected = "in vain for: pigs that fly")]
async fn a_timeout_names_what_was_awaited() {
    wait::until("pigs that fly", Duration::from_millis(20), async || false).await;
}

#[tokio::test]
#[should_panic(expected = "in vain for: an answer")]
async fn a_condition_that_hangs_counts_as_false() {
    wait::until("an answer", Duration::from_millis(20), async || pending().await).await;
}

#[tokio::test]
async fn waiting_works_in_a_spawned_task() {
    let task = tokio::spawn(async {
        wait::until("nothing", Duration::from_secs(5), async || true).await;
    });
    task.await.expect("the task should not panic");
}

#[test]
fn unique_names_differ() {
    let (first, second) = (unique_name("user"), unique_name("user"));
    assert_ne!(first, second);
    assert!(first.starts_with("user-"));
}

#[test]
fn replies_show_their_text() {
    let reply = Reply::Array(vec![Reply::Bulk(b"a\n\xff".to_vec()), Reply::Int(1)]);
    assert_eq!(format!("{reply:?}"), r#"[Bulk("a\n\xff"), Int(1)]"#);
}
