//! Foreign JSON in all operations: maps, API descriptions, lock files, translations, and unusual
//! syntax.

use std::collections::{BTreeMap, HashMap};

use metastore::{Collection, Dynamic, Json, Repo, Store};
use metastore_tests::Server;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use validator::Validate;

/// Accepts any JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "foreign", name = "anything", object_type = texts)]
struct Anything {
    #[serde(flatten)]
    all: Map<String, Value>,
}

/// Knows one field and no other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "foreign", name = "named", object_type = texts)]
struct Named {
    #[serde(default)]
    label: Option<String>,
}

/// Keeps a part of it as text.
#[derive(Clone, Debug, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "foreign", name = "raw", object_type = texts)]
struct Raw {
    body: Box<RawValue>,
}

/// A map in `GeoJSON`: positions, tagged geometries, foreign members.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "foreign", name = "features", object_type = texts)]
#[serde(tag = "type", rename = "FeatureCollection")]
struct FeatureCollection {
    features: Vec<Feature>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bbox: Option<Vec<f64>>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type")]
struct Feature {
    geometry: Option<Geometry>,
    properties: Option<Map<String, Value>>,
}

#[allow(clippy::enum_variant_names, reason = "the names are those of the format")]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type")]
enum Geometry {
    Point { coordinates: Vec<f64> },
    LineString { coordinates: Vec<Vec<f64>> },
    Polygon { coordinates: Vec<Vec<Vec<f64>>> },
    GeometryCollection { geometries: Vec<Geometry> },
}

/// A lock file of a package manager.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "foreign", name = "locks", object_type = texts)]
#[serde(rename_all = "camelCase")]
struct Lock {
    name: String,
    lockfile_version: u32,
    packages: BTreeMap<String, Package>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Package {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    #[serde(default, skip_serializing_if = "HashMap::is_empty")]
    dependencies: HashMap<String, String>,
}

fn geo_json() -> Value {
    let ring: Vec<_> =
        (0..200).map(|n| json!([f64::from(n) * 0.1, 46.1e0 + f64::from(n), 1e-7])).collect();
    json!({
        "type": "FeatureCollection",
        "crs": {"type": "name", "properties": {"name": "urn:ogc:def:crs:OGC:1.3:CRS84"}},
        "features": [
            {"type": "Feature", "id": 7, "geometry": {"type": "Point", "coordinates": [-180.0, 90.0]},
                "properties": {"name": "Zürich", "pop": 434_335, "tags": null}},
            {"type": "Feature", "geometry": null, "properties": null, "title": "empty"},
            {"type": "Feature", "properties": {}, "geometry": {"type": "GeometryCollection", "geometries": [
                {"type": "Polygon", "coordinates": [ring], "note": {"by": "ada"}},
                {"type": "LineString", "coordinates": [[0.0, 0.0], [1e300, 5e-324]]},
            ]}},
        ],
    })
}

fn lock_file() -> Value {
    let packages: Map<String, Value> = (0..400)
        .map(|n| {
            let dependencies: Map<String, Value> =
                (0..n % 5).map(|d| (format!("@scope/dep-{d}"), json!("^1.0.0"))).collect();
            let mut package = json!({
                "version": format!("1.{n}.0-rc.1+build"), "integrity": format!("sha512-{n:064x}=="),
                "license": "MIT", "engines": {"node": ">=18"}, "dev": n % 2 == 0,
            });
            if !dependencies.is_empty() {
                package["dependencies"] = dependencies.into();
            }
            (format!("node_modules/a~{n}/b.c"), package)
        })
        .collect();
    json!({"name": "app", "version": "0.0.0", "lockfileVersion": 3, "requires": true, "packages": packages})
}

fn open_api() -> Value {
    json!({
        "openapi": "3.1.0", "info": {"title": "T", "version": "1"}, "$schema": "x",
        "paths": {"/a/{id}": {"get": {"parameters": [{"$ref": "#/components/parameters/id"}],
            "responses": {"200": {"content": {"application/json": {"schema": {"oneOf": [{"type": ["null", "string"]},
                {"$ref": "#/components/schemas/A"}]}}}}, "default": {}}}}},
        "components": {"schemas": {"A": {"type": "object", "additionalProperties": false, "minimum": -0.5,
            "maximum": u64::MAX, "enum": [null, 1, 1.5, "x", [], {}], "": {"": {"": []}}}}},
    })
}

fn translations() -> Value {
    json!({
        "de": {"greet": "Grüß Gott, {name}!", "items_one": "ein Ding", "items_other": "{n} Dinge"},
        "ar": {"greet": "مرحبا {name}", "items_few": "أشياء\u{200f}"},
        "zh": {"greet": "你好，{name}！", "名称": "名\u{3000}称"},
        "hi": {"greet": "नमस्ते", "क्षि": "संयुक्ताक्षर"},
        "emoji": {"👩‍👩‍👧": "👨🏽‍🚀", "combining": "e\u{301} \u{e9}", "nul": "\u{0}\u{1f}\u{7f}\u{2028}\u{feff}"},
        "~/~0~1": {"a/b": "\\\"/\u{8}\u{c}\n\r\t"},
    })
}

async fn connect() -> (Server, Store) {
    let server = Server::start().await;
    let store = Store::options().audit(true).connect(server.url()).await.unwrap();
    (server, store)
}

/// Creates, reads, changes, compares, reverts, replaces and imports it in both APIs; it is always
/// the same.
async fn goes_through<T: Collection + std::fmt::Debug>(
    server: &Server,
    store: &Store,
    name: &str,
    json: &Value,
    change: impl Fn(&mut T) + Send + Copy,
) {
    let (repo, dynamic): (Repo<T>, _) = (store.repo(), Dynamic::new().collection::<T>(store));
    let collection = T::SCHEMA.name;
    let document: T = serde_json::from_value(json.clone()).unwrap();
    let own = serde_json::to_value(&document).unwrap();

    let item = repo.create(document.clone()).await.unwrap();
    let read = async |id: &str| {
        let item = repo.get(id).await.unwrap().unwrap();
        serde_json::to_value(&item.data).unwrap()
    };
    let id = item.id.as_str();
    assert_eq!(read(id).await, own, "{name}");
    assert!(repo.replace(id, document.clone()).await.unwrap().unchanged, "{name}");
    let changed = repo.modify(id, change).await.unwrap();
    assert_eq!(changed.version, 2, "{name}");
    let diff = repo.diff(id, 1, 2).await.unwrap();
    assert!(!diff.is_empty() && diff.to_string().lines().count() < 12, "{name}: {diff}");
    assert_eq!(repo.revert(id, 1).await.unwrap().version, 3);
    assert!(repo.diff(id, 1, 3).await.unwrap().is_empty(), "{name}");
    assert!(dynamic.replace_item(collection, id, own.clone()).await.unwrap().unchanged, "{name}");

    // As another tool writes it, with a byte order mark and spaces.
    let pretty = format!("\u{feff}{}\r\n", serde_json::to_string_pretty(json).unwrap());
    server.cli(&["SET", &format!("legacy:{name}"), &pretty]).await;
    let report = repo.import(format!("legacy:{name}*")).id_from(|_| Some("imported".into())).await;
    let report = report.unwrap();
    assert_eq!((report.imported, &report.failures.len()), (1, &0), "{:?}", report.failures);
    let stored = async || {
        let stored =
            server.get_string(&format!("{}:imported:latest", repo.address())).await.unwrap();
        serde_json::from_str::<Value>(&stored).unwrap()["data"].take()
    };
    assert_eq!(read("imported").await, own, "{name}");
    // With all unknown fields, also after a change and after undoing it.
    let whole = stored().await;
    for (member, value) in json.as_object().unwrap() {
        assert_eq!(&whole[member], value, "{name}: {member}");
    }
    assert_eq!(repo.modify("imported", change).await.unwrap().version, 2);
    assert_ne!(stored().await, whole);
    assert_eq!(repo.revert("imported", 1).await.unwrap().version, 3);
    assert_eq!(stored().await, whole, "{name}");
    let again = repo.import(format!("legacy:{name}*")).id_from(|_| Some("imported".into())).await;
    assert_eq!(again.unwrap().already, 1, "{name}");
    assert!(repo.delete("imported").await.unwrap());
}

#[tokio::test]
async fn foreign_files_are_preserved_completely() {
    let (server, store) = connect().await;
    for (name, json) in [
        ("geo", geo_json()),
        ("lock", lock_file()),
        ("api", open_api()),
        ("words", translations()),
        ("empty", json!({})),
        ("deep", (0..90).fold(json!({}), |inner, n| json!({ format!("l{n}"): inner }))),
        ("wide", (0..3_000).map(|n| (format!("k{n}"), json!([n]))).collect::<Map<_, _>>().into()),
    ] {
        let change = |any: &mut Anything| _ = any.all.insert("changed".into(), true.into());
        goes_through::<Anything>(&server, &store, name, &json, change).await;
        let change = |named: &mut Named| named.label = Some("changed".into());
        goes_through::<Named>(&server, &store, name, &json, change).await;
    }
    let change = |map: &mut FeatureCollection| map.bbox = Some(vec![0.0]);
    goes_through(&server, &store, "typed-geo", &geo_json(), change).await;
    let change = |lock: &mut Lock| lock.name.push('!');
    goes_through(&server, &store, "typed-lock", &lock_file(), change).await;
}

/// Texts of one JSON value, and whether they are valid.
const CORNERS: [(&str, Option<&str>); 26] = [
    ("0", None),
    ("-0", None),
    ("-0.0", None),
    ("1E2", None),
    ("1e+2", None),
    ("1.50", None),
    ("123456789012345678901234567890", None),
    ("-340282366920938463463374607431768211456", None),
    ("0.1000000000000000055511151231257827", None),
    ("5e-324", None),
    ("1e-999", None),
    (r#""\u0000\u001f\ud83d\ude00\/""#, None),
    (r#""\\u12345""#, None),
    ("[[],{},[{}],null]", None),
    (r#"{"":{"":""}," ":1}"#, None),
    ("1e400", Some("the number is too large")),
    (r#""\ud800""#, Some("an unpaired surrogate")),
    (r#""\udc00x""#, Some("an unpaired surrogate")),
    (r#"{"a":1,"a":1}"#, Some("two members of an object have this name")),
    (r#"{"a":1,"\u0061":2}"#, Some("two members of an object have this name")),
    ("01", Some("invalid number")),
    ("NaN", Some("expected value")),
    ("[1,]", Some("trailing comma")),
    ("'x'", Some("expected value")),
    ("\"\t\"", Some("control character")),
    ("// x", Some("expected value")),
];

#[tokio::test]
async fn unusual_json_is_preserved_byte_for_byte_or_refused_with_a_reason() {
    let (server, store) = connect().await;
    let (repo, dynamic): (Repo<Raw>, _) = (store.repo(), Dynamic::new().collection::<Raw>(&store));
    let base = &dynamic.create_item("raw", json!({"body": null})).await.unwrap().id.clone();
    let mut version = 1;
    for (corner, wrong) in CORNERS {
        let text = || Json::from_text(format!(r#"{{"body":{corner}}}"#));
        server.cli(&["SET", "legacy:corner", &text().to_string()]).await;
        let imported = repo.import("legacy:*").await.unwrap();
        if let Some(wrong) = wrong {
            for error in [
                dynamic.create_item("raw", text()).await.unwrap_err(),
                dynamic.update_item("raw", base, text()).await.unwrap_err(),
                dynamic.replace_item("raw", base, text()).await.unwrap_err(),
            ] {
                assert!(
                    error.is_invalid_document() && error.to_string().contains(wrong),
                    "{error}"
                );
            }
            assert!(imported.failures[0].reason.contains(wrong), "{:?}", imported.failures);
            continue;
        }
        assert_eq!(imported.imported, 1, "{corner}: {:?}", imported.failures);
        assert_eq!(repo.get("corner").await.unwrap().unwrap().data.body.get(), corner);
        assert!(repo.delete("corner").await.unwrap());

        let item = dynamic.update_item("raw", base, text()).await.unwrap();
        version += 1;
        assert_eq!(
            (item.version, item.data.to_string()),
            (version, text().to_string()),
            "{corner}"
        );
        assert!(dynamic.replace_item("raw", base, text()).await.unwrap().unchanged, "{corner}");
        assert_eq!(repo.get(base).await.unwrap().unwrap().data.body.get(), corner);
        let diff = repo.diff(base, version - 1, version).await.unwrap().patch().to_string();
        assert!(!diff.is_empty() && serde_json::from_str::<Json>(&diff).is_ok(), "{diff}");
        let back = repo.revert(base, version - 1).await.unwrap();
        let again = repo.revert(base, version).await.unwrap();
        assert_eq!((back.version, again.data.body.get()), (version + 1, corner));
        version += 2;
    }
}

#[tokio::test]
async fn a_number_that_a_type_cannot_hold_is_refused_and_kept_where_it_is_stored() {
    let (server, store) = connect().await;
    let (repo, dynamic): (Repo<Anything>, _) =
        (store.repo(), Dynamic::new().collection::<Anything>(&store));
    const LARGE: &str = r#"{"a":{"b":[1,100000000000000000012]},"c":"x"}"#;
    let error = dynamic.create_item("anything", Json::from_text(LARGE)).await.unwrap_err();
    assert!(error.to_string().contains("at `a.b[1]`"), "{error}");
    server.cli(&["SET", "legacy:large", LARGE]).await;
    assert_eq!(repo.import("legacy:*").await.unwrap().imported, 1);
    let stored = server.get_string("myapp:foreign:anything:large:latest").await.unwrap();
    assert!(stored.ends_with(&format!("{LARGE}}}")), "{stored}");

    // As written by a program whose type holds it.
    dynamic.create_item_with_id("anything", "one", json!({"c": "x"})).await.unwrap();
    let key = "myapp:foreign:anything:one:latest";
    let stored = server.get_string(key).await.unwrap().replace(r#"{"c":"x"}"#, LARGE);
    server.cli(&["SET", key, &stored]).await;
    repo.modify("one", |any| any.all["c"] = "y".into()).await.unwrap();
    let stored = server.get_string(key).await.unwrap();
    assert!(stored.ends_with(r#"{"a":{"b":[1,100000000000000000012]},"c":"y"}}"#), "{stored}");
    repo.modify("one", |any| any.all["a"]["b"][1] = 7.into()).await.unwrap();
    let stored = server.get_string(key).await.unwrap();
    assert!(stored.ends_with(r#"{"a":{"b":[1,7]},"c":"y"}}"#), "{stored}");
}
