//! Documents in the dynamic API: exact, with all fields that they write, and refused with a reason.

use std::collections::{BTreeMap, HashMap};

use metastore::{Collection, Dynamic, Error, ErrorKind, Item, Json, Repo, Store};
use metastore_tests::Server;
use serde::{Deserialize, Serialize};
use serde_json::json;
use validator::Validate;

use crate::start;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "shapes", name = "accounts", object_type = texts)]
#[mutation(doubled -> u128)]
#[serde(tag = "type", rename_all = "camelCase")]
struct Account {
    wei: u128,
    #[serde(alias = "title", alias = "heading", default)]
    display_name: Option<String>,
    #[serde(skip_deserializing, default)]
    computed: u32,
    #[serde(default)]
    #[validate(nested)]
    by_name: HashMap<String, Line>,
    #[serde(default)]
    #[validate(nested)]
    lines: Vec<Line>,
    #[serde(default)]
    #[validate(nested)]
    sorted: BTreeMap<u8, Line>,
    #[serde(flatten)]
    place: Place,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Validate)]
struct Line {
    #[validate(length(min = 1))]
    #[serde(alias = "text")]
    label: String,
    #[serde(default)]
    #[validate(nested)]
    inner: HashMap<String, Line>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Place {
    #[serde(alias = "postcode", skip_serializing_if = "Option::is_none")]
    zip: Option<String>,
}

impl Account {
    fn doubled(&self) -> u128 {
        self.wei * 2
    }
}

const WEI: u128 = 100_000_000_000_000_000_012;

async fn accounts() -> (Server, Repo<Account>, Dynamic) {
    let (server, repo) = start::<Account>().await;
    let dynamic = Dynamic::new().with(&repo);
    (server, repo, dynamic)
}

fn text(json: &str) -> Json {
    Json::from_text(json)
}

fn kind(result: Result<Item<Json>, Error>) -> String {
    result.unwrap_err().kind().to_string()
}

#[tokio::test]
async fn numbers_stay_exact_by_name() {
    let (_server, repo, dynamic) = accounts().await;
    let item = dynamic.create_item("accounts", text(&format!(r#"{{"wei":{WEI}}}"#))).await.unwrap();
    let id = &item.id;
    assert!(item.data.to_string().contains(&format!(r#""wei":{WEI},"#)), "{:?}", item.data);
    let shown = serde_json::to_string(&item).unwrap();
    assert!(shown.contains(&format!(r#""wei":{WEI},"#)), "{shown}");

    let patch = text(&format!(r#"{{"wei":{}}}"#, WEI + 9));
    let item = dynamic.update_item("accounts", id, patch.clone()).await.unwrap();
    assert_eq!((item.version, item.unchanged), (2, false));
    assert!(dynamic.update_item("accounts", id, patch).await.unwrap().unchanged);
    assert_eq!(repo.get(id).await.unwrap().unwrap().data.wei, WEI + 9);
    let whole = dynamic.get_item("accounts", id).await.unwrap().unwrap().into_data();
    assert!(dynamic.replace_item("accounts", id, whole).await.unwrap().unchanged);

    let doubled = (2 * (WEI + 9)).to_string();
    for result in [
        dynamic.run_mutation("accounts", id, "doubled").await.unwrap(),
        dynamic.materialize_mutation("accounts", id, "doubled").await.unwrap(),
        dynamic.get_mutation("accounts", id, "doubled").await.unwrap().unwrap().value,
        dynamic.evaluate_all("accounts", id, &["doubled"]).await.unwrap()["doubled"].clone(),
    ] {
        assert_eq!(result.to_string(), doubled);
        assert_eq!(result.read::<u128>().unwrap(), 2 * (WEI + 9));
    }
    let diff = dynamic.diff("accounts", id, 1, 2).await.unwrap().patch().to_string();
    assert!(diff.contains(&(WEI + 9).to_string()), "{diff}");
}

#[tokio::test]
async fn what_a_document_writes_itself_is_taken_back_by_name() {
    let (_server, repo, dynamic) = accounts().await;
    let item = dynamic.create_item("accounts", json!({"type": "Account", "wei": 1})).await.unwrap();
    let id = &item.id;
    assert_eq!((&item.data["type"], &item.data["computed"]), (&json!("Account"), &json!(0)));
    let same = dynamic.replace_item("accounts", id, item.data.clone()).await.unwrap();
    assert!(same.unchanged);
    let same = dynamic.update_item("accounts", id, item.data.clone()).await.unwrap();
    assert!(same.unchanged);
    repo.modify(id, |account| account.computed = 5).await.unwrap();
    let patch = json!({"type": "Account", "wei": 2});
    assert_eq!(dynamic.update_item("accounts", id, patch).await.unwrap().data["wei"], 2);
}

#[tokio::test]
async fn a_name_that_create_knows_is_known_to_update() {
    let (_server, _repo, dynamic) = accounts().await;
    let made = json!({"wei": 1, "title": "a", "postcode": "1", "lines": [{"text": "x"}]});
    let item = dynamic.create_item("accounts", made).await.unwrap();
    let id = &item.id;
    assert_eq!((&item.data["displayName"], &item.data["zip"]), (&json!("a"), &json!("1")));
    for (name, value) in [("heading", "b"), ("title", "c"), ("displayName", "d")] {
        let item = dynamic.update_item("accounts", id, json!({ name: value })).await.unwrap();
        assert_eq!(item.data["displayName"], value);
    }
    let lines = json!({"lines": [{"text": "y"}, {"label": "z"}], "zip": null});
    let item = dynamic.update_item("accounts", id, lines).await.unwrap();
    assert_eq!((&item.data["lines"][0]["label"], &item.data["zip"]), (&json!("y"), &json!(null)));
    assert_eq!(
        kind(dynamic.update_item("accounts", id, json!({"title": "a", "displayName": "b"})).await),
        "the JSON does not fit at `title`: this is `displayName` by another name; give it once"
    );
}

#[tokio::test]
async fn an_unknown_name_is_refused_on_every_level() {
    let (_server, _repo, dynamic) = accounts().await;
    let id = &dynamic.create_item("accounts", json!({"wei": 1})).await.unwrap().id.clone();
    for (json, unknown) in [
        (json!({"wei": 1, "wai": 2}), "wai"),
        (json!({"wei": 1, "zip2": "x"}), "zip2"),
        (
            json!({"wei": 1, "lines": [{"label": "a"}, {"label": "b", "lable": 1}]}),
            "lines[1].lable",
        ),
        (json!({"wei": 1, "byName": {"a": {"label": "b", "x": null}}}), "byName.a.x"),
    ] {
        for error in [
            dynamic.create_item("accounts", json.clone()).await.unwrap_err(),
            dynamic.replace_item("accounts", id, json.clone()).await.unwrap_err(),
            dynamic.update_item("accounts", id, json.clone()).await.unwrap_err(),
            dynamic.create_items("accounts", [json.clone()]).await.unwrap().remove(0).unwrap_err(),
        ] {
            let ErrorKind::UnknownName { what: "field", name, .. } = error.kind() else {
                panic!("{error}")
            };
            assert_eq!(name, unknown);
        }
    }
    // Fields with defaults, and fields that are skipped when written.
    let known = json!({"wei": 1, "zip": null, "postcode": null});
    let error = dynamic.create_item("accounts", known).await.unwrap_err();
    assert!(error.to_string().contains("duplicate field"), "{error}");
    dynamic.create_item("accounts", json!({"wei": 1, "postcode": null})).await.unwrap();
}

#[tokio::test]
async fn violations_within_maps_name_the_key() {
    let (_server, repo, dynamic) = accounts().await;
    let line = |label: &str| json!({ "label": label });
    let names = ["a", "b", "c", "d", "e", "f", "g", "h"];
    for wrong in names {
        let mut map: HashMap<&str, _> = names.iter().map(|name| (*name, line(name))).collect();
        map.insert(wrong, json!({"label": "x", "inner": {"k.1": line("")}}));
        let document = json!({
            "wei": 1, "byName": map, "lines": [line("x"), line("")], "sorted": {"7": line("x"), "9": line("")},
        });
        let error = dynamic.create_item("accounts", document).await.unwrap_err();
        let paths: Vec<_> = error.violations().iter().map(|found| found.path.as_str()).collect();
        let nested = format!("byName.{wrong}.inner.k.1.label");
        assert_eq!(paths, [nested.as_str(), "lines[1].label", "sorted.9.label"]);
    }
    // Also with a number in the document that no `Value` can hold.
    let wrong = Line { label: String::new(), inner: HashMap::new() };
    let item = dynamic.create_item("accounts", json!({"wei": 1})).await.unwrap();
    let change = |account: &mut Account| {
        account.wei = u128::MAX;
        account.by_name.insert("key".into(), wrong.clone());
    };
    let error = repo.modify(&item.id, change).await.unwrap_err();
    assert_eq!(error.violations()[0].path, "byName.key.label");
}

#[tokio::test]
async fn invalid_json_is_refused_with_its_place() {
    let (server, repo, dynamic) = accounts().await;
    let id =
        &dynamic.create_item("accounts", text("\u{feff} {\"wei\": 1}")).await.unwrap().id.clone();
    dynamic.update_item("accounts", id, text("\u{feff}{\"wei\": 2}\n")).await.unwrap();
    let keys = server.keys().await;
    let deep = format!(r#"{{"wei":1,"lines":{}{}}}"#, "[".repeat(200), "]".repeat(200));
    for (json, expected) in [
        (r#"{"wei":1,"wei":2}"#, "the JSON does not fit at `wei`: two members"),
        (
            r#"{"wei":1,"byName":{"a":{"label":"x"},"a":{"label":"y"}}}"#,
            "at `byName.a`: two members",
        ),
        (r#"{"wei":1,"title":"\ud800"}"#, "at `title`: an unpaired surrogate"),
        (r#"{"wei":1e400}"#, "at `wei`: the number is too large; write it as a string"),
        (r#"{"wei":1.5}"#, "at `wei`: expected a whole number that its type holds"),
        (r#"{"wei":-1}"#, "the JSON does not fit at `wei`"),
        (r#"{"wei":"1"}"#, "at `wei`: expected a whole number"),
        (r#"{"wei":340282366920938463463374607431768211456}"#, "the JSON does not fit"),
        (&*deep, "nested deeper than the limit of 100 levels"),
        ("", "EOF while parsing a value"),
        ("[]", "expected an object"),
        (r#"{"wei":1"#, "EOF while parsing an object (line 1, column 8)"),
        (r#"{"wei":1} x"#, "trailing characters"),
    ] {
        for found in [
            kind(dynamic.create_item("accounts", text(json)).await),
            kind(dynamic.replace_item("accounts", id, text(json)).await),
            kind(dynamic.update_item("accounts", id, text(json)).await),
        ] {
            assert!(found.contains(expected), "{json}: {found}");
        }
    }
    assert_eq!(server.keys().await, keys);
    assert_eq!(repo.get(id).await.unwrap().unwrap().version, 2);
}

#[tokio::test]
async fn a_document_that_is_too_large_is_refused_before_it_is_parsed() {
    let server = Server::start().await;
    let store = Store::options().max_document_bytes(1_000_000).connect(server.url()).await.unwrap();
    let dynamic = Dynamic::new().collection::<Account>(&store);
    let id = &dynamic.create_item("accounts", json!({"wei": 1})).await.unwrap().id.clone();
    // It is not even JSON, which nothing checks here.
    let huge = Json::from_text(vec![b'['; 200_000_000]);
    let before = peak_kilobytes();
    for error in [
        dynamic.create_item("accounts", huge.clone()).await.unwrap_err(),
        dynamic.update_item("accounts", id, huge.clone()).await.unwrap_err(),
        dynamic.replace_item("accounts", id, huge.clone()).await.unwrap_err(),
    ] {
        let expected = ErrorKind::TooLarge { size: 200_000_000, limit: 1_000_000 }.to_string();
        assert_eq!(error.kind().to_string(), expected);
    }
    let value = json!({ "title": "x".repeat(50_000_000) });
    let built = peak_kilobytes();
    let error = dynamic.update_item("accounts", id, value).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::TooLarge { .. }), "{error}");
    let (grown, by_value) = (built - before, peak_kilobytes() - built);
    assert!(grown < 200_000 && by_value < 20_000, "{grown} and {by_value} kB");
}

/// The peak memory of this process.
fn peak_kilobytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
