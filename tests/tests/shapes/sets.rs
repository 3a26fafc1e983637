//! Sets have no order: writing the same set again once made a version each time.

use std::collections::{BTreeMap, HashMap, HashSet};

use metastore::Collection;
use serde::{Deserialize, Serialize};
use validator::Validate;

use crate::start;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "shapes", name = "sets", object_type = texts)]
struct Sets {
    #[index]
    tags: HashSet<String>,
    numbers: Option<HashSet<i64>>,
    by_name: BTreeMap<String, HashSet<String>>,
    map: HashMap<String, u8>,
    list: Vec<String>,
    nested: Nested,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Nested {
    #[serde(serialize_with = "metastore::sorted")]
    tags: HashSet<String>,
}

/// A set with an order of its own, as in each program.
fn sets() -> Sets {
    let words = || (0..20).map(|n| format!("w{n}"));
    Sets {
        tags: words().collect(),
        numbers: Some((-10..10).collect()),
        by_name: BTreeMap::from([("a".to_owned(), words().collect())]),
        map: words().zip(0..).collect(),
        list: words().collect(),
        nested: Nested { tags: words().collect() },
    }
}

#[tokio::test]
async fn an_equal_set_makes_no_version_and_no_difference() {
    let (server, repo) = start::<Sets>().await;
    let item = repo.create_with_id("one", sets()).await.unwrap();
    for _ in 0..10 {
        assert!(repo.replace(&item, sets()).await.unwrap().unchanged);
        assert!(repo.replace("one", sets()).await.unwrap().unchanged);
    }
    let stored = server.get_string("myapp:shapes:sets:one:latest").await.unwrap();
    assert!(stored.contains("[-10,-9,-8,"), "{stored}");

    let item = repo.modify("one", |sets| _ = sets.tags.remove("w7")).await.unwrap();
    assert_eq!((item.version, &item.data.tags.len()), (2, &19));
    let item = repo.modify("one", |sets| sets.list.reverse()).await.unwrap();
    assert_eq!(item.version, 3);
    let one_removed = repo.diff("one", 1, 2).await.unwrap();
    let position = 17;
    assert_eq!(
        one_removed.to_string().lines().skip(2).collect::<Vec<_>>(),
        [format!("- /tags/{position}: \"w7\"")]
    );
    let found = repo.find(Sets::TAGS.contains("w3")).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(repo.get("one").await.unwrap().unwrap().data, item.data);
}
