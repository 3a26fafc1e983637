//! Invalid documents, ids and keys: a clear error, and nothing half-written.

use std::collections::BTreeMap;

use metastore::{Collection, ErrorKind, Store};
use metastore_tests::wait;
use serde::{Deserialize, Serialize};
use validator::Validate;

use crate::fixture::{SOON, Text, start, start_with, text};

#[derive(Clone, Debug, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "shop", name = "customers", object_type = config)]
#[serde(rename_all = "camelCase")]
struct Customer {
    #[validate(length(min = 3, message = "a name has at least three letters"))]
    full_name: String,
    #[validate(email)]
    #[serde(rename = "e-mail")]
    email: String,
    #[validate(range(min = 18, max = 130))]
    age: u32,
    #[validate(nested)]
    home: Address,
    #[validate(nested)]
    tags: Vec<Tag>,
    #[serde(flatten)]
    #[validate(nested)]
    extra: Extra,
}

#[derive(Clone, Debug, Serialize, Deserialize, Validate)]
#[serde(rename_all = "kebab-case")]
struct Address {
    #[validate(length(equal = 5))]
    zip_code: String,
}

#[derive(Clone, Debug, Serialize, Deserialize, Validate)]
struct Tag {
    #[validate(length(max = 4))]
    label: String,
}

#[derive(Clone, Debug, Serialize, Deserialize, Validate)]
struct Extra {
    #[validate(url)]
    site: String,
}

fn customer() -> Customer {
    Customer {
        full_name: "Ada Lovelace".into(),
        email: "ada@example.com".into(),
        age: 36,
        home: Address { zip_code: "12345".into() },
        tags: vec![Tag { label: "a".into() }],
        extra: Extra { site: "https://example.com".into() },
    }
}

#[tokio::test]
async fn all_violations_are_listed_by_serialised_path_and_code_and_none_shows_a_value() {
    let (server, repo) = start().await;
    let customers = repo.texts.store().repo::<Customer>();
    let bad = Customer {
        full_name: "S3".into(),
        email: "S3CRET".into(),
        age: 7,
        home: Address { zip_code: "S3CRET".into() },
        tags: vec![Tag { label: "ok".into() }, Tag { label: "S3CRET".into() }],
        extra: Extra { site: "S3CRET".into() },
    };
    let error = customers.create(bad.clone()).await.unwrap_err();
    assert!(error.is_validation());
    let found: Vec<(&str, &str)> =
        error.violations().iter().map(|v| (v.path.as_str(), v.code.as_str())).collect();
    assert_eq!(
        found,
        [
            ("age", "range"),
            ("e-mail", "email"),
            ("fullName", "length"),
            ("home.zip-code", "length"),
            ("site", "url"),
            ("tags[1].label", "length"),
        ]
    );
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains("S3"), "{shown}");
    assert!(shown.contains("a name has at least three letters"), "{shown}");
    assert!(shown.contains("at least 18 and at most 130"), "{shown}");
    assert_eq!(server.keys().await, Vec::<String>::new());

    let item = customers.create_with_id("ada", customer()).await.unwrap();
    let before = (server.keys().await, server.get_string("myapp:shop:customers:ada:latest").await);
    for error in [
        customers.create_with_id("eve", bad.clone()).await.unwrap_err(),
        customers.update(&item, Customer::patch().age(7u32)).await.unwrap_err(),
        customers.update("ada", Customer::patch().age(7u32)).await.unwrap_err(),
        customers.update_at("ada", 1, Customer::patch().age(7u32)).await.unwrap_err(),
        customers.replace("ada", bad.clone()).await.unwrap_err(),
        customers.modify("ada", |customer| customer.age = 7).await.unwrap_err(),
    ] {
        assert!(error.is_validation(), "{error}");
    }
    let after = (server.keys().await, server.get_string("myapp:shop:customers:ada:latest").await);
    assert_eq!(before, after);
}

#[tokio::test]
async fn hostile_ids_are_refused_by_every_operation_and_touch_nothing() {
    let (server, repo) = start().await;
    repo.texts.create_with_id("victim", text("one")).await.unwrap();
    let keys = server.keys().await;
    let long = "x".repeat(129);
    for id in [
        "",
        ":",
        "victim:latest",
        "victim:version:1",
        "{victim}",
        "*",
        "vic?im",
        "vic\0tim",
        "vic\r\ntim",
        " victim",
        "\u{202e}victim",
        "../victim",
        &long,
    ] {
        let errors = [
            repo.texts.get(id).await.unwrap_err(),
            repo.texts.get_version(id, 1).await.unwrap_err(),
            repo.texts.create_with_id(id, text("x")).await.unwrap_err(),
            repo.texts.update(id, Text::patch().content("x")).await.unwrap_err(),
            repo.texts.update_at(id, 1, Text::patch().content("x")).await.unwrap_err(),
            repo.texts.replace(id, text("x")).await.unwrap_err(),
            repo.texts.modify(id, |_| {}).await.unwrap_err(),
            repo.texts.delete(id).await.unwrap_err(),
            repo.texts.exists(id).await.unwrap_err(),
            repo.texts.versions(id).await.unwrap_err(),
            repo.texts.item(id).wordcount().run().await.unwrap_err(),
            repo.texts.item(id).wordcount().materialize().await.unwrap_err(),
            repo.texts.item(id).wordcount().cached().await.unwrap_err(),
            repo.texts.item(id).summarize().enqueue().await.unwrap_err(),
            repo.texts.item(id).summarize().status().await.unwrap_err(),
            repo.texts.item(id).summarize().result().await.unwrap_err(),
        ];
        for error in errors {
            assert!(matches!(error.kind(), ErrorKind::InvalidId(_)), "{id:?}: {error:?}");
            let message = error.to_string();
            let names_the_rule = ["must not", "may hold only", "limit is", "only spelling"];
            assert!(names_the_rule.iter().any(|rule| message.contains(rule)), "{message}");
        }
    }
    assert_eq!(server.keys().await, keys);
}

#[tokio::test]
async fn a_document_that_does_not_decode_names_key_version_and_path() {
    let (server, repo) = start().await;
    let customers = repo.texts.store().repo::<Customer>();
    let item = customers.create_with_id("ada", customer()).await.unwrap();
    let key = "myapp:shop:customers:ada:latest";
    let stored = server.get_string(key).await.unwrap();
    let broken = stored.replace("{\"label\":\"a\"}", "{\"label\":7}");
    assert_ne!(stored, broken);
    server.cli(&["SET", key, broken.as_str()]).await;
    for error in [
        customers.get("ada").await.unwrap_err(),
        customers.get_version("ada", 1).await.unwrap_err(),
        customers.update("ada", Customer::patch().age(40u32)).await.unwrap_err(),
    ] {
        match error.kind() {
            ErrorKind::Decode { version: 1, path, message } => {
                assert_eq!(path, "data.tags[0].label");
                assert!(message.contains("expected a string"), "{message}");
            }
            _ => panic!("{error:?}"),
        }
        assert_eq!(error.key(), Some(key));
    }
    // A valid document replaces it, and the invalid one remains as a version.
    let repaired = customers.replace(&item, Customer { age: 37, ..customer() }).await.unwrap();
    assert_eq!(repaired.version, 2);
    let old = server.get_string("myapp:shop:customers:ada:version:1").await.unwrap();
    assert_eq!(old, broken);

    for nonsense in ["", "nonsense", "[]", "{}", "\u{0}", "{\"version\":1}", "message"] {
        server.cli(&["SET", key, nonsense]).await;
        let error = customers.get("ada").await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Decode { .. }), "{nonsense:?}: {error:?}");
        assert_eq!(error.key(), Some(key));
        for error in [
            customers.replace(&item, Customer { age: 50, ..customer() }).await.unwrap_err(),
            customers.create_with_id("ada", customer()).await.unwrap_err(),
        ] {
            let kind = error.kind();
            let told = matches!(
                kind,
                ErrorKind::Decode { .. } | ErrorKind::AlreadyExists { .. } | ErrorKind::NotFound
            );
            assert!(told, "{nonsense:?}: {error:?}");
        }
        let left = server.get_string(key).await;
        assert_eq!(left.as_deref(), Some(nonsense));
    }
    let invalid_utf8: [&[u8]; 3] = [b"SET", key.as_bytes(), b"{\"version\":1,\"id\":\"\xff\"}"];
    server.cli(&invalid_utf8).await;
    let error = customers.get("ada").await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Decode { .. }), "{error:?}");
}

#[tokio::test]
async fn another_type_of_value_under_a_key_is_reported_and_nothing_is_half_written() {
    let (server, repo) = start_with(Store::options().audit(true)).await;
    let item = repo.texts.create_with_id("abc123", text("one")).await.unwrap();
    let dump = async || {
        let mut all = BTreeMap::new();
        for key in server.keys().await {
            all.insert(key.clone(), server.cli(&["DUMP", key.as_str()]).await);
        }
        all
    };
    let index = "idx:myapp:textsplitter:texts";
    let audit = "stream:audit:myapp:textsplitter:texts:abc123";
    let waiting = "queue:myapp:textsplitter:texts:summarize:waiting";
    for key in [index, audit, waiting] {
        server.cli(&["DEL", key]).await;
        server.cli(&["SET", key, "foreign"]).await;
    }
    let before = dump().await;
    let errors = [
        repo.texts.create(text("two")).await.unwrap_err(),
        repo.texts.create_with_id("two", text("two")).await.unwrap_err(),
        repo.texts.update(&item, Text::patch().content("two")).await.unwrap_err(),
        repo.texts.item(&item).wordcount().materialize().await.unwrap_err(),
        repo.texts.item(&item.id).summarize().enqueue().await.unwrap_err(),
        repo.texts.delete("abc123").await.unwrap_err(),
        repo.texts.list().await.unwrap_err(),
        repo.texts.count().await.unwrap_err(),
    ];
    for error in errors {
        assert!(matches!(error.kind(), ErrorKind::WrongType(_)), "{error:?}");
        assert!(!error.is_retryable());
    }
    assert_eq!(dump().await, before);

    let latest = "myapp:textsplitter:texts:abc123:latest";
    for key in [latest, index, audit, waiting] {
        server.cli(&["DEL", key]).await;
    }
    server.cli(&["RPUSH", latest, "a list"]).await;
    let before = dump().await;
    let errors = [
        repo.texts.get("abc123").await.unwrap_err(),
        repo.texts.create_with_id("abc123", text("two")).await.unwrap_err(),
        repo.texts.update(&item, Text::patch().content("two")).await.unwrap_err(),
        repo.texts.item(&item.id).summarize().enqueue().await.unwrap_err(),
        repo.texts.delete("abc123").await.unwrap_err(),
    ];
    for error in errors {
        assert!(matches!(error.kind(), ErrorKind::WrongType(_)), "{error:?}");
    }
    assert_eq!(dump().await, before);
}

#[derive(Clone, Debug, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "trees", name = "trees", object_type = config)]
struct Tree {
    root: Node,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Node(Vec<Node>);

#[tokio::test]
async fn what_is_too_deep_or_too_large_is_refused_with_the_limit() {
    let (server, repo) = start_with(Store::options().max_document_bytes(10_000)).await;
    let trees = repo.texts.store().repo::<Tree>();
    let nested = |levels: usize| Tree {
        root: (1..levels).fold(Node::default(), |inner, _| Node(vec![inner])),
    };
    // The document is one level.
    let deepest = trees.create(nested(99)).await.unwrap();
    assert!(trees.get(&deepest.id).await.unwrap().is_some());
    let error = trees.create(nested(100)).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::TooDeep { limit: 100 }), "{error:?}");
    assert!(error.to_string().contains("limit of 100"), "{error}");

    let item = repo.texts.create(text("small")).await.unwrap();
    let keys = server.keys().await;
    for error in [
        repo.texts.create(text(&"x".repeat(10_000))).await.unwrap_err(),
        repo.texts.update(&item, Text::patch().content("x".repeat(10_000))).await.unwrap_err(),
    ] {
        assert!(matches!(error.kind(), ErrorKind::TooLarge { limit: 10_000, .. }), "{error:?}");
    }
    assert_eq!(server.keys().await, keys);
}

#[tokio::test]
async fn numbers_keep_every_digit_and_text_every_character() {
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Validate, Collection)]
    #[collection(domain = "myapp", app = "exact", name = "values", object_type = config)]
    struct Values {
        big: u64,
        small: i64,
        exact: f64,
        strange: String,
    }
    let (_server, repo) = start().await;
    let values = repo.texts.store().repo::<Values>();
    let document = Values {
        big: u64::MAX,
        small: i64::MIN,
        exact: 0.1 + 0.2,
        strange: "\0\u{1}\"\\/\u{7f}\u{2028}🦀,\"data\":{\"version\":9".to_owned(),
    };
    let item = values.create(document.clone()).await.unwrap();
    let item = values.update(&item, Values::patch().small(0i64)).await.unwrap();
    let read = values.get(&item.id).await.unwrap().unwrap();
    assert_eq!(read.data, Values { small: 0, ..document.clone() });
    assert_eq!(values.get_version(&item.id, 1).await.unwrap().unwrap().data, document);
}

#[tokio::test]
async fn deny_unknown_fields_is_respected() {
    #[derive(Clone, Debug, Serialize, Deserialize, Validate, Collection)]
    #[collection(domain = "myapp", app = "strict", name = "values", object_type = config)]
    #[serde(deny_unknown_fields)]
    struct Strict {
        known: u8,
    }
    let (server, repo) = start().await;
    let values = repo.texts.store().repo::<Strict>();
    values.create_with_id("a", Strict { known: 1 }).await.unwrap();
    let key = "myapp:strict:values:a:latest";
    let stored =
        server.get_string(key).await.unwrap().replace("{\"known\"", "{\"new\":2,\"known\"");
    server.cli(&["SET", key, stored.as_str()]).await;
    let error = values.get("a").await.unwrap_err().to_string();
    assert!(error.contains("unknown field `new`"), "{error}");
}

#[tokio::test]
async fn ids_that_look_like_messages_are_listed_as_they_are() {
    // The client took a list of three ids that begins with `message` for a message, and put a word
    // before it, which is an id too.
    let (_server, repo) = start().await;
    let create = async |id: &str| {
        let item = repo.texts.create_with_id(id, text(id)).await.unwrap();
        let later = async || repo.texts.store().now() > item.created_at;
        wait::until("the next millisecond", SOON, later).await;
    };
    create("pubsub").await;
    for ids in [&["message", "a", "b"][..], &["smessage", "a", "b"], &["pmessage", "a", "b", "c"]] {
        for id in ids {
            create(id).await;
        }
        let list = repo.texts.list().oldest_first().offset(1).limit(ids.len());
        let listed = list.await.unwrap();
        assert_eq!(listed.iter().map(|item| item.id.as_str()).collect::<Vec<_>>(), ids);
        for id in ids {
            assert!(repo.texts.delete(*id).await.unwrap());
        }
    }
}
