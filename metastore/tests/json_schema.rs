//! With the feature `schemars`, the catalog holds the JSON Schema of each
//! document that asks for it.

#![allow(
    clippy::unwrap_used,
    reason = "a test ends at the first thing that is not as it should be"
)]

use metastore::{Collection, Repo, Repository, Store};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use validator::Validate;

#[derive(Clone, Debug, Serialize, Deserialize, Validate, JsonSchema, Collection)]
#[collection(domain = "myapp", app = "shop", name = "customers", object_type = config)]
#[collection(json_schema)]
#[serde(rename_all = "camelCase")]
struct Customer {
    #[validate(length(min = 3))]
    full_name: String,
    age: Option<u8>,
    address: Address,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
struct Address {
    city: String,
}

#[derive(Clone, Debug, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "shop", name = "orders", object_type = config)]
struct Order {
    total: u64,
}

#[derive(Repository)]
struct Shop {
    customers: Repo<Customer>,
    orders: Repo<Order>,
}

#[tokio::test]
async fn the_catalog_holds_the_json_schema_of_what_asks_for_it() {
    let store = Store::embedded().await.unwrap();
    let shop = Shop::connect(store.url()).await.unwrap();
    assert_eq!(shop.customers.descriptor().address.collection().as_str(), "customers");

    let found = store.collections("myapp", "shop").await.unwrap();
    let [customers, orders] = &found[..] else { panic!("{found:?}") };
    let schema = customers.json_schema.as_ref().unwrap();
    assert_eq!(schema["type"], "object");
    assert_eq!(schema["properties"]["fullName"]["type"], "string");
    assert_eq!(schema["properties"]["fullName"]["minLength"], 3);
    assert_eq!(schema["required"], json!(["fullName", "address"]));
    assert_eq!(schema["$defs"]["Address"]["properties"]["city"]["type"], "string");
    assert_eq!(orders.json_schema, None);
    assert_eq!(orders.address, *shop.orders.address());
}
