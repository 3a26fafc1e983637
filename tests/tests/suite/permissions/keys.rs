//! A user without one kind of key or without channels, and the rule of the guide.

use std::collections::BTreeSet;
use std::time::Duration;

use metastore::Id;
use metastore::queue::{Queue, TakeOptions};

use super::{Bench, Full, OPERATIONS, Side, full};

/// Patterns of keys, by kind.
const PATTERNS: [&str; 22] = [
    "rights:test:*:latest",
    "rights:test:*:version:*",
    "rights:test:*:mutation:*",
    "rights:test:*:transformation:*",
    "rights:test:*:trimmed",
    "idx:rights:test:full",
    "idx:rights:test:grouped",
    "idx:rights:test:plain",
    "idx:rights:test:*:expiry",
    "idx:rights:test:*:entries",
    "idx:rights:test:*:commits",
    "idx:rights:test:*:by:*",
    "idx:rights:test:*:each:*",
    "idx:rights:test:*:unique:*",
    "idx:rights:test:*:mutation:*",
    "idx:rights:test:*:transformation:*",
    "stream:audit:*",
    "metastore:scratch:*",
    "queue:rights:test:full:*",
    "queue:rights:test:plain:*",
    "catalog",
    "catalog:*",
];

#[tokio::test]
async fn without_a_kind_of_key_nothing_is_half_written() {
    let bench = Bench::start().await;
    let (mut refused, mut wrong) = (0, Vec::new());
    for operation in OPERATIONS {
        for lacking in PATTERNS {
            let rights: Vec<String> = PATTERNS
                .iter()
                .filter(|pattern| **pattern != lacking)
                .map(|pattern| format!("~{pattern}"))
                .collect();
            let mut rights: Vec<&str> = rights.iter().map(String::as_str).collect();
            rights.push("&*");
            match bench.is_refused(operation, &rights).await {
                Ok(is_refused) => refused += u64::from(is_refused),
                Err(reason) => wrong.push(format!("{operation} without {lacking}: {reason}")),
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(refused > 200, "{refused}");
}

#[tokio::test]
async fn jobs_run_without_the_right_to_publish() {
    let bench = Bench::start().await;
    bench.rights(&["~*"]).await;
    let user = &bench.user;
    for number in 0..50 {
        let item =
            user.full.create_with_id(&*format!("i{number}"), full(100 + number)).await.unwrap();
        user.full.item(&item).publish().enqueue_in(Duration::from_millis(1)).await.unwrap();
    }
    let queue = Queue::new(&user.full, Full::PUBLISH);
    let mut taken = BTreeSet::<Id>::new();
    metastore_tests::wait::until("all jobs", crate::fixture::SOON, async || {
        let jobs = queue.take(&TakeOptions::new("w", 50)).await.unwrap().jobs;
        taken.extend(jobs.into_iter().map(|job| job.claim.item));
        taken.len() == 50
    })
    .await;
}

/// The rule for users in the guide, without `ACL SETUSER` and the name.
fn rule_of_the_guide() -> Vec<String> {
    let guide = include_str!("../../../../docs/guide/access-control.md");
    let rule = guide.split("```text").nth(1).unwrap().split("```").next().unwrap();
    rule.split_whitespace().skip(3).map(|word| word.replace("myapp", "rights")).collect()
}

#[tokio::test]
async fn the_rule_of_the_guide_is_enough_for_everything() {
    let bench = Bench::start().await;
    let mut rule = ["ACL", "SETUSER", "app"].map(str::to_owned).to_vec();
    rule.extend(rule_of_the_guide());
    for operation in OPERATIONS {
        let prepared = bench.fresh(operation).await;
        bench.server.cli(&rule).await;
        bench.user.run(operation, &prepared).await.unwrap_or_else(|e| panic!("{operation}: {e:?}"));
    }
    // A store of this user connects, lists, waits and passes the health check.
    let side = Side::connect(&bench.server.url().replace("redis://", "redis://app:secret@")).await;
    assert!(!side.full.list().await.unwrap().is_empty());
    assert!(side.queue().may_publish().await.unwrap());
    side.full.store().check_pubsub().await.unwrap();
}

#[tokio::test]
async fn a_user_without_channels_is_warned_of() {
    let bench = Bench::start().await;
    bench.rights(&["~*"]).await;
    assert!(!bench.user.queue().may_publish().await.unwrap());
    let log = crate::fixture::Log::default();
    let recording = log.record();
    bench.user.full.register().await.unwrap();
    drop(recording);
    assert!(log.text().contains("the user may not publish"), "{}", log.text());
}
