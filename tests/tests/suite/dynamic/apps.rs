//! Collections of the same name in different apps.

use metastore::{Collection, Dynamic, DynamicQuery, Repo, Repository, Store};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use validator::Validate;

use crate::fixture::{Text, start};

mod elsewhere {
    use super::*;

    /// Named like the other texts, in another app.
    #[derive(Clone, Debug, Serialize, Deserialize, Validate, Collection)]
    #[collection(domain = "myapp", app = "blog", name = "texts", object_type = texts)]
    #[mutation(doubled -> u128)]
    pub(super) struct Text {
        #[serde(alias = "headline")]
        pub(super) title: String,
        #[serde(flatten)]
        pub(super) place: Place,
        #[serde(default)]
        pub(super) huge: u128,
        #[index]
        #[serde(default, deserialize_with = "trimmed")]
        pub(super) topic: String,
    }

    #[derive(Clone, Debug, Default, Serialize, Deserialize, Validate)]
    pub(super) struct Place {
        pub(super) page: Option<u32>,
    }

    fn trimmed<'de, D: serde::Deserializer<'de>>(reader: D) -> Result<String, D::Error> {
        Ok(String::deserialize(reader)?.trim().to_owned())
    }

    impl Text {
        fn doubled(&self) -> u128 {
            self.huge * 2
        }
    }
}

#[derive(Repository)]
struct Both {
    texts: Repo<Text>,
    others: Repo<elsewhere::Text>,
}

#[tokio::test]
async fn collections_with_the_same_name_are_distinguished_by_their_app() {
    let (server, repo) = start().await;
    let repo = Both::with_store(repo.texts.store());
    let dynamic = repo.dynamic();
    let error = dynamic.create_item("texts", json!({})).await.unwrap_err();
    assert!(
        error.to_string().contains(
            "several collections are called `texts`; use one of textsplitter/texts, blog/texts"
        ),
        "{error}"
    );
    let item = dynamic.create_item("blog/texts", json!({"title": "a"})).await.unwrap();
    assert!(repo.others.exists(&item.id).await.unwrap());
    assert!(!repo.texts.exists(&item.id).await.unwrap());
    assert!(dynamic.get_item("myapp/blog/texts", &item.id).await.unwrap().is_some());
    assert!(dynamic.get_item("textsplitter/texts", &item.id).await.unwrap().is_none());
    for unknown in ["", "/", "/texts", "log/texts", "blog", "blog/texts/", "myapp:blog:texts"] {
        let error = dynamic.get_item(unknown, &item.id).await.unwrap_err();
        assert!(
            error.to_string().contains("existing ones: textsplitter/texts, blog/texts"),
            "{error}"
        );
    }
    let store = repo.texts.store();
    // The same one added twice is one.
    let again = Dynamic::new().collection::<Text>(store).collection::<Text>(store);
    assert_eq!(again.collections().len(), 1);
    assert_eq!(again.collections(), [store.repo::<Text>().descriptor()]);
    let tenant = Store::options().app("tenant-7").connect(server.url()).await.unwrap();
    let both = again.with(&tenant.repo::<Text>());
    assert!(both.get_item("tenant-7/texts", "x").await.unwrap().is_none());
}

#[tokio::test]
async fn odd_documents_are_the_same_by_name_as_by_type() {
    let (_server, repo) = start().await;
    let repo = Both::with_store(repo.texts.store());
    let (dynamic, name) = (repo.dynamic(), "blog/texts");
    let huge = u128::from(u64::MAX) * 4;
    let document = elsewhere::Text {
        title: "a".into(),
        place: elsewhere::Place { page: Some(1) },
        huge,
        topic: "x".into(),
    };
    let id = repo.others.create(document).await.unwrap().id.clone();
    // Fields that the patch does not name stay exact in JSON.
    let item = dynamic.update_item(name, &id, json!({"page": 7, "topic": " y "})).await.unwrap();
    assert!(item.data.to_string().contains(&format!("\"huge\":{huge},")), "{:?}", item.data);
    assert!(item.data["page"] == 7 && item.data["topic"] == "y");
    let typed = repo.others.get(&id).await.unwrap().unwrap();
    assert_eq!((typed.data.huge, typed.data.place.page), (huge, Some(7)));
    dynamic.materialize_mutation(name, &id, "doubled").await.unwrap();
    let stored = repo.others.item(&id).doubled().cached().await.unwrap().unwrap();
    assert_eq!(stored.value, huge * 2);
    let found = DynamicQuery::new().filter("topic", "eq", "y");
    assert_eq!(dynamic.count_items(name, &found).await.unwrap(), 1);
    // An alias is accepted where serde accepts it; an unused field is refused.
    dynamic.create_item(name, json!({"headline": "b"})).await.unwrap();
    let error = dynamic.update_item(name, &id, json!({"pages": 7})).await.unwrap_err();
    assert!(error.to_string().contains("unknown field `pages`"), "{error}");
    let cleared = dynamic.update_item(name, &id, json!({"page": null})).await.unwrap();
    assert_eq!(cleared.data["page"], Value::Null);
}
