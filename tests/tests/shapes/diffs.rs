//! Differences between versions: exact, short, and computed without blocking others.

use std::time::{Duration, Instant};

use metastore::Collection;
use serde::{Deserialize, Serialize};
use validator::Validate;

use crate::start;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "shapes", name = "lists", object_type = texts)]
struct Lists {
    rows: Vec<Row>,
    wei: u128,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Row {
    n: u64,
    label: String,
}

fn rows(count: u64) -> Lists {
    Lists { rows: (0..count).map(row).collect(), wei: 0 }
}

fn row(n: u64) -> Row {
    Row { n, label: format!("row {n}") }
}

#[tokio::test]
async fn an_insertion_before_many_is_one_operation() {
    let (_server, lists) = start::<Lists>().await;
    let id = lists.create(rows(30_000)).await.unwrap().id.clone();
    lists.modify(&id, |lists| lists.rows.insert(0, row(7_777_777))).await.unwrap();
    lists.modify(&id, |lists| _ = lists.rows.remove(15_000)).await.unwrap();

    // On a runtime with one thread, other tasks run meanwhile.
    let ticks = tokio::spawn(async {
        let mut longest = Duration::ZERO;
        loop {
            let before = Instant::now();
            tokio::time::sleep(Duration::from_millis(1)).await;
            longest = longest.max(before.elapsed());
            if longest > Duration::from_secs(60) {
                return longest;
            }
        }
    });
    let inserted = lists.diff(&id, 1, 2).await.unwrap();
    assert!(!ticks.is_finished());
    ticks.abort();
    assert_eq!(
        inserted.patch().to_string(),
        r#"[{"op":"add","path":"/rows/0","value":{"label":"row 7777777","n":7777777}}]"#
    );
    let both = lists.diff(&id, 3, 1).await.unwrap();
    assert_eq!(both.patch().value().as_array().unwrap().len(), 2, "{}", both.patch());
    assert_eq!(both.to_string().lines().count(), 4, "{both}");
}

#[tokio::test]
async fn a_patch_is_never_much_longer_than_the_document() {
    let (_server, lists) = start::<Lists>().await;
    let id = lists.create(rows(20_000)).await.unwrap().id.clone();
    let change = |lists: &mut Lists| lists.rows.iter_mut().for_each(|row| row.n += 1_000_000);
    let second = lists.modify(&id, change).await.unwrap();
    let size = serde_json::to_string(&second.data).unwrap().len();
    let patch = lists.diff(&id, 1, 2).await.unwrap().patch().to_string();
    assert!(patch.len() < size + 100, "{} for {size}", patch.len());
}

#[tokio::test]
async fn large_numbers_are_exact_in_a_difference() {
    let (_server, lists) = start::<Lists>().await;
    let id = lists.create(Lists { wei: u128::MAX - 1, ..rows(0) }).await.unwrap().id.clone();
    let diff = async |from, to| lists.diff(&id, from, to).await.unwrap();
    lists.update(&id, Lists::patch().wei(u128::MAX)).await.unwrap();
    let changed = diff(1, 2).await;
    let expected = format!(r#"[{{"op":"replace","path":"/wei","value":{}}}]"#, u128::MAX);
    assert_eq!(changed.patch().to_string(), expected);
    assert_eq!(serde_json::to_string(&changed).unwrap().matches(&expected).count(), 1);
    let shown = format!("~ /wei: {} → {}", u128::MAX - 1, u128::MAX);
    assert_eq!(changed.to_string().lines().last(), Some(&*shown));
    assert!(diff(2, 2).await.is_empty() && !changed.is_empty());
}
