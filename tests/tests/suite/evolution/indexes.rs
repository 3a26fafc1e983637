//! Writers that do not know an index that another program maintains.

use metastore::{Collection, Dynamic, Error, ErrorKind, Repo, Store};
use metastore_tests::Server;
use serde::{Deserialize, Serialize};
use serde_json::json;
use validator::Validate;

/// No index.
mod older {
    use super::{Collection, Deserialize, Serialize, Validate};

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Validate, Collection)]
    #[collection(domain = "myapp", app = "evolution", name = "members", object_type = texts)]
    pub(super) struct Member {
        pub(super) email: String,
        pub(super) city: String,
        pub(super) tags: Vec<String>,
    }
}

/// One of the indexes.
mod middle {
    use super::{Collection, Deserialize, Serialize, Validate};

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Validate, Collection)]
    #[collection(domain = "myapp", app = "evolution", name = "members", object_type = texts)]
    pub(super) struct Member {
        pub(super) email: String,
        #[index]
        pub(super) city: String,
        pub(super) tags: Vec<String>,
    }
}

mod newer {
    use super::{Collection, Deserialize, Serialize, Validate};

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Validate, Collection)]
    #[collection(domain = "myapp", app = "evolution", name = "members", object_type = texts)]
    pub(super) struct Member {
        #[unique]
        pub(super) email: String,
        #[index]
        pub(super) city: String,
        #[index]
        pub(super) tags: Vec<String>,
    }
}

const WAYS: [&str; 8] =
    ["update", "in hand", "replace", "modify", "revert", "many", "patched", "replaced"];

/// Moves `m1` to Rome, with the tag `x`, in one of many ways; `revert` needs it to have been there.
macro_rules! write {
    ($repo:expr, $module:ident, $way:expr, $email:expr) => {{
        let repo = &$repo;
        let email: String = $email.into();
        let whole = $module::Member {
            email: email.clone(),
            city: "Rome".into(),
            tags: vec!["x".into()],
        };
        let json = json!({"email": email, "city": "Rome", "tags": ["x"]});
        let patch =
            || $module::Member::patch().email(&*email).city("Rome").tags(vec!["x".to_owned()]);
        let by_name = Dynamic::new().with(repo);
        match $way {
            "update" => drop(repo.update("m1", patch()).await.unwrap()),
            "in hand" => {
                let item = repo.get("m1").await.unwrap().unwrap();
                repo.update(&item, patch()).await.unwrap();
            }
            "replace" => drop(repo.replace("m1", whole).await.unwrap()),
            "modify" => drop(repo.modify("m1", |member| *member = whole.clone()).await.unwrap()),
            "revert" => drop(repo.revert("m1", 1).await.unwrap()),
            "many" => drop(repo.update_many([("m1", patch())]).await.remove(0).unwrap()),
            "patched" => drop(by_name.update_item("members", "m1", json).await.unwrap()),
            _ => drop(by_name.replace_item("members", "m1", json).await.unwrap()),
        }
    }};
}

fn is_incomplete<T: std::fmt::Debug>(found: Result<T, Error>) -> bool {
    found.is_err_and(|error| matches!(error.kind(), ErrorKind::IndexIncomplete { .. }))
}

struct Members {
    _server: Server,
    old: Repo<older::Member>,
    middle: Repo<middle::Member>,
    new: Repo<newer::Member>,
}

fn member(email: &str, city: &str) -> newer::Member {
    newer::Member { email: email.into(), city: city.into(), tags: vec![city.to_lowercase()] }
}

/// Three members; the first was in Rome once.
async fn start() -> Members {
    let server = Server::start().await;
    let store = Store::connect(server.url()).await.unwrap();
    let (old, new) = (store.repo::<older::Member>(), store.repo::<newer::Member>());
    let first = older::Member { email: "m1@x".into(), city: "Rome".into(), tags: vec!["x".into()] };
    old.create_with_id("m1", first).await.unwrap();
    for (id, city) in [("m2", "Bonn"), ("m3", "Oslo")] {
        new.create_with_id(id, member(&format!("{id}@x"), city)).await.unwrap();
    }
    new.replace("m1", member("m1@x", "Bonn")).await.unwrap();
    assert!(new.backfill().await.unwrap().failures.is_empty());
    let members = Members { old, middle: store.repo(), new, _server: server };
    members.assert_right("Bonn", "bonn").await;
    members
}

impl Members {
    async fn ids(&self, condition: metastore::Condition<newer::Member>) -> Vec<String> {
        let found = self.new.find(condition).await.unwrap();
        let mut ids: Vec<String> = found.iter().map(|item| item.id.to_string()).collect();
        ids.sort();
        ids
    }

    /// All indexes contain the first member.
    async fn assert_right(&self, city: &str, tag: &str) {
        let there = self.ids(newer::Member::CITY.eq(city)).await;
        let mut expected = vec!["m1", "m2"];
        expected.truncate(if city == "Bonn" { 2 } else { 1 });
        assert_eq!(there, expected);
        assert!(self.ids(newer::Member::TAGS.contains(tag)).await.contains(&"m1".to_owned()));
        let found = self.new.get_by(newer::Member::EMAIL, "m1@x").await.unwrap();
        assert_eq!(found.unwrap().id.as_str(), "m1");
        let report = self.new.verify().await.unwrap();
        assert!(report.is_clean(), "{report:?}");
    }

    async fn is_taken(&self, email: &str) -> bool {
        let created = self.new.create(member(email, "Kiel")).await;
        if let Ok(item) = &created {
            self.new.delete(item).await.unwrap();
        }
        matches!(
            created.as_ref().map_err(Error::kind),
            Err(ErrorKind::AlreadyExists { field: Some(field) }) if field == "email"
        )
    }
}

#[tokio::test]
async fn a_write_that_knows_no_index_makes_queries_refuse_instead_of_giving_wrong_items() {
    for way in WAYS {
        let members = start().await;
        write!(members.old, older, way, "m1@x");
        assert!(is_incomplete(members.new.find(newer::Member::CITY.eq("Bonn")).await), "{way}");
        assert!(is_incomplete(members.new.find(newer::Member::CITY.eq("Rome")).await), "{way}");
        assert!(is_incomplete(members.new.find(newer::Member::TAGS.contains("x")).await), "{way}");
        assert!(is_incomplete(members.new.get_by(newer::Member::EMAIL, "m1@x").await), "{way}");
        let counted = members.new.find(newer::Member::CITY.eq("Bonn")).count().await;
        assert!(is_incomplete(counted), "{way}");
        assert_eq!(members.new.list().count().await.unwrap(), 3);
        let report = members.new.repair().await.unwrap();
        assert_eq!((report.wrong, report.failed), (1, 0), "{way}");
        members.assert_right("Rome", "x").await;
    }
}

#[tokio::test]
async fn a_write_that_knows_some_indexes_keeps_these_and_no_others() {
    for way in WAYS {
        let members = start().await;
        write!(members.middle, middle, way, "m1@x");
        assert_eq!(members.ids(newer::Member::CITY.eq("Rome")).await, ["m1"], "{way}");
        assert!(is_incomplete(members.new.find(newer::Member::TAGS.contains("x")).await), "{way}");
        assert!(is_incomplete(members.new.get_by(newer::Member::EMAIL, "m1@x").await), "{way}");
        assert!(members.is_taken("m1@x").await, "{way}");
        // The next write of a program that knows them all corrects them.
        members.new.modify("m1", |member| member.tags.push("y".into())).await.unwrap();
        members.assert_right("Rome", "y").await;
    }
}

#[tokio::test]
async fn a_unique_value_is_not_freed_by_a_write_that_does_not_know_it() {
    for (way, email) in WAYS.into_iter().flat_map(|way| [(way, "m1@x"), (way, "other@x")]) {
        if way == "revert" && email != "m1@x" {
            continue;
        }
        let members = start().await;
        for _ in 0..2 {
            write!(members.old, older, way, email);
            assert!(members.is_taken("m1@x").await, "{way} {email}");
            members.old.modify("m1", |member| member.tags.push("y".into())).await.unwrap();
            assert!(members.is_taken("m1@x").await, "{way} {email}");
        }
        members.new.repair().await.unwrap();
        assert!(members.is_taken(email).await, "{way} {email}");
        assert_eq!(members.is_taken("m1@x").await, email == "m1@x", "{way} {email}");
        assert!(members.new.verify().await.unwrap().is_clean());
        let keys = members._server.keys().await;
        assert!(!keys.iter().any(|key| key.contains(":held:")), "{keys:?}");
    }
}

#[tokio::test]
async fn a_value_that_is_held_is_free_once_its_item_is_gone() {
    for by_old in [false, true] {
        let members = start().await;
        write!(members.old, older, "update", "other@x");
        assert!(members.is_taken("m1@x").await);
        if by_old {
            assert!(members.old.delete("m1").await.unwrap());
        } else {
            assert!(members.new.delete("m1").await.unwrap());
        }
        assert!(!members.is_taken("m1@x").await);
        assert!(members.new.get_by(newer::Member::EMAIL, "m2@x").await.unwrap().is_some());
        assert!(members.new.verify().await.unwrap().is_clean());
    }
}

#[tokio::test]
async fn two_items_that_an_older_program_gave_one_unique_value_are_both_named() {
    let members = start().await;
    write!(members.old, older, "update", "m2@x");
    assert!(is_incomplete(members.new.get_by(newer::Member::EMAIL, "m2@x").await));
    let report = members.new.repair().await.unwrap();
    assert_eq!(report.failed, 1, "{report:?}");
    assert!(is_incomplete(members.new.get_by(newer::Member::EMAIL, "m2@x").await));
    members.new.update("m1", newer::Member::patch().email("m1@x")).await.unwrap();
    members.assert_right("Rome", "x").await;
}

#[tokio::test]
async fn items_keep_their_owner_after_writes_of_others() {
    let members = start().await;
    let owned = members.new.as_user("ada").unwrap();
    let item = owned.create(member("ada@x", "Bonn")).await.unwrap();
    members.old.modify(&item.id, |member| member.city = "Rome".into()).await.unwrap();
    let found = members.new.list().owned_by("ada").await.unwrap();
    assert_eq!(found.len(), 1);
    assert!(members.is_taken("ada@x").await);
    assert!(is_incomplete(members.new.find(newer::Member::CITY.eq("Bonn")).await));
}
