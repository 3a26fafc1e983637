//! Conditions and orders by name.

use metastore::{DynamicQuery, ErrorKind};
use serde_json::{Value, json};

use super::{json_of, kind, orders};
use crate::fixture::{Order, order, start};

#[tokio::test]
async fn conditions_by_name_find_what_typed_ones_find() {
    let (_server, repo) = start().await;
    let dynamic = repo.dynamic();
    for total in [-5, 1, 3, 40] {
        let document = Order {
            country: (total > 1).then(|| "fr".to_owned()),
            tags: vec![format!("t{total}")],
            weight: (total > 3).then_some(2.0),
            payment: Some(format!("p{total}")),
            ..order(total)
        };
        repo.orders.create(document).await.unwrap();
    }
    let find = |field: &str, operator: &str, value: Value| {
        DynamicQuery::new().filter(field, operator, value).oldest_first()
    };
    for (selection, totals) in [
        (find("country", "eq", json!("fr")), vec![3, 40]),
        (find("country", "eq", Value::Null), vec![-5, 1]),
        (find("country", "is_none", Value::Null), vec![-5, 1]),
        (find("country", "is_some", Value::Null), vec![3, 40]),
        (find("state", "eq", json!("new")), vec![-5, 1, 3, 40]),
        (find("tags", "contains", json!("t3")), vec![3]),
        (find("payment", "eq", json!("p40")), vec![40]),
        (find("total", "between", json!([-5, 3])), vec![-5, 1, 3]),
        (find("total", "at_least", json!(3)), vec![3, 40]),
        (find("total", "greater_than", json!(3)), vec![40]),
        (find("total", "at_most", json!(1)), vec![-5, 1]),
        (find("total", "less_than", json!(1)), vec![-5]),
        // A whole number is a float, too.
        (find("weight/kg", "at_least", json!(2)), vec![40]),
        (find("placed", "eq", json!("2026-01-01T00:00:00Z")), vec![-5, 1, 3, 40]),
        (find("total", "at_least", json!(-9)).filter("country", "is_none", ()), vec![-5, 1]),
        (DynamicQuery::new().descending_by("total").limit(2), vec![40, 3]),
        (DynamicQuery::new().ascending_by("total").offset(1).limit(2), vec![1, 3]),
        (DynamicQuery::new().newest_first().limit(1), vec![40]),
    ] {
        assert_eq!(orders(&dynamic, selection.clone()).await, totals, "{selection:?}");
        // The same from JSON.
        let again: DynamicQuery = serde_json::from_value(json_of(&selection)).unwrap();
        assert_eq!(again, selection);
    }
    let french = find("country", "eq", json!("fr"));
    assert_eq!(dynamic.count_items("orders", &french).await.unwrap(), 2);
    let one = dynamic.get_item_by("orders", "payment", "p3").await.unwrap().unwrap();
    assert_eq!(one.data["total"], 3);
    assert!(dynamic.get_item_by("orders", "payment", "none").await.unwrap().is_none());

    let page = dynamic.find_items("orders", &french.clone().limit(1)).await.unwrap();
    let cursor = page.next.unwrap();
    assert_eq!(orders(&dynamic, french.after(&cursor)).await, [40]);
    // A cursor of the typed query works for the same dynamic query, and for no other.
    let typed = repo.orders.list().limit(1).page().await.unwrap().next.unwrap();
    assert_eq!(orders(&dynamic, DynamicQuery::new().after(&typed)).await, [3, 1, -5]);
    let other = DynamicQuery::new().after(&cursor);
    let error = dynamic.find_items("orders", &other).await.unwrap_err();
    let typed = repo.orders.list().after(&cursor).page().await.unwrap_err();
    assert_eq!(kind(&error), kind(&typed));
}

#[tokio::test]
async fn an_invalid_condition_says_why_and_what_is_valid() {
    let (_server, repo) = start().await;
    let dynamic = repo.dynamic();
    let long = "x".repeat(1000);
    for (collection, field, operator, value, expected) in [
        (
            "orders",
            "colour",
            "eq",
            json!(1),
            "unknown field `colour`; existing ones: country, state",
        ),
        ("orders", "", "eq", json!(1), "unknown field ``"),
        ("orders", &long, "eq", json!(1), "unknown field `xxx"),
        (
            "texts",
            "content",
            "eq",
            json!("x"),
            "`content` has no index to find items by; those that have: language",
        ),
        ("counters", "count", "eq", json!(1), "those that have: no field has one"),
        (
            "orders",
            "total",
            "like",
            json!(1),
            "unknown operator `like`; existing ones: eq, is_none",
        ),
        ("orders", "country", "between", json!(["a", "b"]), "needs `#[index(range)]`"),
        ("orders", "payment", "at_least", json!("a"), "needs `#[index(range)]`"),
        ("orders", "total", "eq", json!("s3cret"), "expected i64, found string"),
        ("orders", "total", "at_least", json!(0.5), "expected i64, found floating point"),
        ("orders", "total", "eq", Value::Null, "expected i64, found null"),
        ("orders", "total", "is_none", Value::Null, "the field always has a value"),
        ("orders", "country", "is_none", json!("fr"), "takes no value"),
        ("orders", "total", "between", json!([1]), "takes a list of two values"),
        ("orders", "total", "between", json!([1, "s3cret"]), "expected i64, found string"),
        ("orders", "state", "eq", json!("lost"), "unknown variant, expected `new`"),
        ("orders", "tags", "eq", json!(["a"]), "a list or an object is not indexed"),
        ("orders", "country", "contains", json!("f"), "expected a string, found sequence"),
        ("orders", "tags", "contains", json!({}), "expected a string, found map"),
    ] {
        let selection = DynamicQuery::new().filter(field, operator, value);
        for error in [
            dynamic.find_items(collection, &selection).await.unwrap_err(),
            dynamic.find_ids(collection, &selection).await.unwrap_err(),
            dynamic.count_items(collection, &selection).await.unwrap_err(),
        ] {
            let said = error.to_string();
            assert!(said.contains(expected), "{field} {operator}: {said}");
            assert!(!said.contains("s3cret") && said.len() < 400, "{said}");
        }
    }
    for (order, expected) in [("country", "needs `#[index(range)]`"), ("x", "unknown field `x`")] {
        let selection = DynamicQuery::new().ascending_by(order);
        let error = dynamic.find_items("orders", &selection).await.unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
    let shared = dynamic.get_item_by("orders", "country", "fr").await.unwrap_err();
    assert!(shared.to_string().contains("is not `#[unique]`"), "{shared}");
    let owner = DynamicQuery::new().owned_by("");
    let error = dynamic.find_items("orders", &owner).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::InvalidArgument(_)), "{error}");
    for wrong in [
        json!({"filter": []}),
        json!({"where": [{"field": "total"}]}),
        json!({"order": "total"}),
        json!({"limit": -1}),
    ] {
        serde_json::from_value::<DynamicQuery>(wrong.clone()).expect_err(&wrong.to_string());
    }
}
