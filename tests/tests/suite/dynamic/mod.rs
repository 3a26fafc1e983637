//! The dynamic API: the same results, rules and errors as the typed one.

mod apps;
mod conditions;
mod derived;
mod errors;
mod history;
mod items;

use metastore::{Dynamic, DynamicQuery, Error};
use serde::Serialize;
use serde_json::Value;

/// The kind of an error with its fields, by which callers distinguish errors.
fn kind(error: &Error) -> String {
    format!("{} {:?}", error.operation(), error.kind())
}

fn json_of<T: Serialize>(value: T) -> Value {
    serde_json::to_value(value).unwrap()
}

async fn orders(dynamic: &Dynamic, selection: DynamicQuery) -> Vec<i64> {
    let page = dynamic.find_items("orders", &selection).await.expect("the selection is right");
    page.items.iter().map(|item| item.data["total"].as_i64().unwrap()).collect()
}
