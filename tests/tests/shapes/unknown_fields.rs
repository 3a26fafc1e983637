//! An older and a newer program at the same time: fields that the older one does not know are
//! preserved.

use std::collections::HashMap;

use metastore::{Collection, Repo, Store};
use metastore_tests::Server;
use serde::{Deserialize, Serialize};
use validator::Validate;

use crate::start;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "shapes", name = "shops", object_type = texts)]
#[serde(tag = "type")]
struct Shop {
    name: String,
    #[serde(skip_deserializing, default)]
    length: usize,
    #[serde(alias = "colour", rename(serialize = "color", deserialize = "color"), default)]
    colour: Option<String>,
}

#[tokio::test]
async fn a_document_does_not_grow_by_what_it_wrote_itself() {
    let (server, shops) = start::<Shop>().await;
    let shop = Shop { name: "a".into(), length: 1, colour: None };
    shops.create_with_id("one", shop).await.unwrap();
    let stored = async || server.get_string("myapp:shapes:shops:one:latest").await.unwrap();
    let before = stored().await;
    for round in 0..20 {
        let name = ["b", "a"][round % 2];
        shops.update("one", Shop::patch().name(name)).await.unwrap();
        let item = shops.get("one").await.unwrap().unwrap();
        shops.modify(&item, |shop| shop.length = 1 + round).await.unwrap();
    }
    let after = stored().await;
    assert_eq!(after.matches(r#""type":"Shop""#).count(), 1, "{after}");
    assert_eq!(after.matches(r#""length""#).count(), 1, "{after}");
    let document = |stored: &str| stored.split_once(r#""data":"#).unwrap().1.len();
    assert!(document(&after) < document(&before) + 10, "{after}");
}

#[tokio::test]
async fn a_field_that_is_known_by_another_name_is_no_unknown_one() {
    let (server, shops) = start::<Shop>().await;
    shops.create_with_id("one", Shop { name: "a".into(), length: 1, colour: None }).await.unwrap();
    let key = "myapp:shapes:shops:one:latest";
    let stored = server.get_string(key).await.unwrap();
    let other = stored.replace(r#""color":null"#, r#""colour":"red","more":[1.50]"#);
    assert_ne!(stored, other);
    server.cli(&["SET", key, &other]).await;
    let item = shops.update("one", Shop::patch().name("b")).await.unwrap();
    assert_eq!(item.data.colour.as_deref(), Some("red"));
    let item = shops.update(&item, Shop::patch().colour("blue")).await.unwrap();
    assert_eq!(shops.get(&item.id).await.unwrap().unwrap().data, item.data);
    let stored = server.get_string(key).await.unwrap();
    assert!(stored.ends_with(r#""color":"blue","more":[1.50]}}"#), "{stored}");
}

mod older {
    use super::*;

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Validate, Collection)]
    #[collection(domain = "myapp", app = "shapes", name = "people", object_type = texts)]
    pub(super) struct Person {
        pub(super) name: String,
        #[serde(flatten)]
        pub(super) at: Address,
        pub(super) home: Option<Address>,
        pub(super) lines: Vec<Line>,
        pub(super) by_name: HashMap<String, Address>,
        pub(super) kind: Kind,
        pub(super) mail: Contact,
    }

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    pub(super) struct Address {
        pub(super) city: String,
    }

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    pub(super) struct Line {
        pub(super) n: u32,
        pub(super) at: Address,
    }

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    #[serde(tag = "kind")]
    pub(super) enum Kind {
        Round { size: u8 },
        Flat,
    }

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    pub(super) struct Contact {
        #[serde(flatten)]
        pub(super) mail: Mail,
    }

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    pub(super) struct Mail {
        pub(super) address: String,
    }
}

/// As a newer program writes it.
const NEWER: &str = r#"{"name":"Ada","city":"Bern","zip":"3000","phone":null,"home":{"city":"Rom","zip":1.50},
    "lines":[{"n":1,"at":{"city":"a","zip":1},"note":"first"},{"n":2,"at":{"city":"b","zip":2},"note":"second"}],
    "by_name":{"x":{"city":"c","zip":{"a":[]}}},"kind":{"kind":"Round","size":1,"colour":"red"},
    "mail":{"address":"a@b.c","sure":true},"wei":100000000000000000012}"#;

async fn people() -> (Server, Repo<older::Person>) {
    let server = Server::start().await;
    let store = Store::connect(server.url()).await.unwrap();
    server.cli(&["SET", "newer:ada", NEWER]).await;
    let people = store.repo::<older::Person>();
    let report = people.import("newer:*").await.unwrap();
    assert_eq!((report.imported, report.failures.len()), (1, 0), "{:?}", report.failures);
    (server, people)
}

/// The document of `ada`, read as JSON.
async fn stored(server: &Server) -> serde_json::Value {
    let stored = server.get_string("myapp:shapes:people:ada:latest").await.unwrap();
    assert!(stored.contains("100000000000000000012") && stored.contains("1.50"), "{stored}");
    serde_json::from_str::<serde_json::Value>(&stored).unwrap()["data"].take()
}

#[tokio::test]
async fn an_older_program_keeps_what_it_does_not_know_on_every_level() {
    let (server, people) = people().await;
    let mut expected: serde_json::Value = serde_json::from_str(NEWER).unwrap();
    assert_eq!(stored(&server).await, expected);

    let item = people.update("ada", older::Person::patch().name("Augusta")).await.unwrap();
    expected["name"] = "Augusta".into();
    assert_eq!(stored(&server).await, expected);
    // With an item in hand, read or written.
    let item = people.modify(&item, |ada| ada.at.city = "Basel".into()).await.unwrap();
    expected["city"] = "Basel".into();
    assert_eq!(stored(&server).await, expected);
    people
        .modify(&item, |ada| {
            ada.lines[1].at.city = "B".into();
            ada.lines.insert(0, older::Line { n: 0, at: older::Address { city: "new".into() } });
            ada.by_name.insert("y".into(), older::Address { city: "d".into() });
            ada.mail.mail.address = "d@e.f".into();
            ada.home = None;
        })
        .await
        .unwrap();
    expected["lines"][1]["at"]["city"] = "B".into();
    let first = serde_json::json!({"n": 0, "at": {"city": "new"}});
    expected["lines"].as_array_mut().unwrap().insert(0, first);
    expected["by_name"]["y"] = serde_json::json!({"city": "d"});
    expected["mail"]["address"] = "d@e.f".into();
    expected["home"] = serde_json::Value::Null;
    let stored_now = server.get_string("myapp:shapes:people:ada:latest").await.unwrap();
    let now: serde_json::Value = serde_json::from_str(&stored_now).unwrap();
    assert_eq!(now["data"], expected);

    assert!(people.update("ada", older::Person::patch()).await.unwrap().unchanged);
    let back = people.revert("ada", 1).await.unwrap();
    assert_eq!(back.version, 5);
    assert_eq!(stored(&server).await, serde_json::from_str::<serde_json::Value>(NEWER).unwrap());
    assert!(people.revert("ada", 1).await.unwrap().unchanged);

    // `replace` replaces all of it.
    let whole = people.get("ada").await.unwrap().unwrap().into_data();
    let item = people.replace("ada", whole).await.unwrap();
    assert!(!item.unchanged);
    let stored = server.get_string("myapp:shapes:people:ada:latest").await.unwrap();
    assert!(!stored.contains("zip") && !stored.contains("phone"), "{stored}");
}

#[tokio::test]
async fn fields_of_a_previous_variant_prevent_no_read() {
    let (_server, people) = people().await;
    let item = people.modify("ada", |ada| ada.kind = older::Kind::Flat).await.unwrap();
    assert_eq!(people.get("ada").await.unwrap().unwrap().data, item.data);
    let item = people.modify(&item, |ada| ada.lines.clear()).await.unwrap();
    assert_eq!(people.get("ada").await.unwrap().unwrap().data, item.data);
}
