//! What is written reads back: other documents are refused, and unreadable stored ones can be
//! replaced.

use std::collections::HashMap;

use metastore::{Collection, Error, ErrorKind};
use serde::{Deserialize, Serialize};
use validator::Validate;

use crate::start;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "shapes", name = "readings", object_type = texts)]
struct Reading {
    value: f64,
    #[serde(default)]
    maybe: Option<f32>,
    #[serde(default)]
    at: HashMap<String, Vec<Point>>,
    #[serde(flatten)]
    large: Large,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Point {
    x: f64,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Large {
    #[serde(default)]
    by_number: HashMap<u32, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    wei: Option<u128>,
}

fn reading() -> Reading {
    Reading { value: 1.5, maybe: None, at: HashMap::new(), large: Large::default() }
}

fn path(error: &Error) -> &str {
    assert!(error.is_invalid_document() && !error.is_retryable());
    match error.kind() {
        ErrorKind::Unreadable { path, .. } => path,
        kind => panic!("{kind:?}"),
    }
}

#[tokio::test]
async fn what_would_not_read_back_is_refused_before_it_is_written() {
    let (server, readings) = start::<Reading>().await;
    let item = readings.create_with_id("one", reading()).await.unwrap();
    let keys = server.keys().await;
    let point = |x| HashMap::from([("a".to_owned(), vec![Point { x: 0.0 }, Point { x }])]);
    let by_number = HashMap::from([(7, "seven".to_owned())]);
    for (wrong, expected) in [
        (Reading { value: f64::NAN, ..reading() }, "value"),
        (Reading { value: f64::NEG_INFINITY, ..reading() }, "value"),
        (Reading { maybe: Some(f32::INFINITY), ..reading() }, "maybe"),
        (Reading { at: point(f64::NAN), ..reading() }, "at.a[1].x"),
        (Reading { large: Large { wei: Some(7), ..Large::default() }, ..reading() }, ""),
        (Reading { large: Large { by_number, ..Large::default() }, ..reading() }, ""),
    ] {
        for error in [
            readings.create(wrong.clone()).await.unwrap_err(),
            readings.create_with_id("other", wrong.clone()).await.unwrap_err(),
            readings.create_many([wrong.clone()]).await.remove(0).unwrap_err(),
            readings.replace(&item, wrong.clone()).await.unwrap_err(),
            readings.replace("one", wrong.clone()).await.unwrap_err(),
            readings.modify("one", |reading| reading.clone_from(&wrong)).await.unwrap_err(),
        ] {
            assert_eq!(path(&error), expected, "{error}");
        }
    }
    assert_eq!(server.keys().await, keys);
    assert_eq!(readings.list().await.unwrap().len(), 1);
    // Values at the limits of a float read back and are written.
    let edge =
        Reading { value: f64::MIN_POSITIVE, maybe: Some(f32::MAX), at: point(-0.0), ..reading() };
    let item = readings.replace("one", edge.clone()).await.unwrap();
    assert_eq!(readings.get(&item.id).await.unwrap().unwrap().data, edge);
}

#[tokio::test]
async fn a_document_that_does_not_read_is_replaced_reverted_or_deleted() {
    let (server, readings) = start::<Reading>().await;
    let key = "myapp:shapes:readings:one:latest";
    readings.create_with_id("one", reading()).await.unwrap();
    for (broken, unreadable) in [(r#""value":1.5"#, r#""value":null"#), (r#""value""#, r#""v""#)] {
        let break_it = async |version: u64| {
            let stored = server.get_string(key).await.unwrap().replace(broken, unreadable);
            server.cli(&["SET", key, &stored]).await;
            let error = readings.get("one").await.unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Decode { version: v, .. } if *v == version));
        };
        let good = readings.modify("one", |reading| reading.maybe = Some(0.25)).await.unwrap();
        let good = readings.replace("one", Reading { maybe: Some(0.5), ..good.data.clone() }).await;
        let version = good.unwrap().version;
        let whole = readings.replace("one", reading()).await.unwrap().into_data();
        break_it(version + 1).await;
        // Even by an equal document.
        let item = readings.replace("one", whole.clone()).await.unwrap();
        assert_eq!((item.version, &item.data, item.unchanged), (version + 2, &whole, false));
        assert_eq!(readings.get("one").await.unwrap().unwrap().data, whole);

        break_it(version + 2).await;
        let item = readings.revert("one", version).await.unwrap();
        assert_eq!((item.version, item.data.maybe), (version + 3, Some(0.5)));
        assert_eq!(readings.get("one").await.unwrap().unwrap().data, item.data);
    }
    let stored = server.get_string(key).await.unwrap();
    server.cli(&["SET", key, &stored.replace(r#""value""#, r#""v""#)]).await;
    assert!(readings.delete("one").await.unwrap());
}
