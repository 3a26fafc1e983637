// A field is found only by its index.

use metastore::{Collection, Repo};
use serde::{Deserialize, Serialize};
use validator::Validate;

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "shop", app = "web", name = "orders", object_type = texts)]
struct Order {
    #[index]
    country: String,
    #[index(range)]
    total: u64,
    note: String,
}

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "shop", app = "web", name = "seats", object_type = state)]
struct Seat {
    #[index]
    row: String,
}

fn query(orders: &Repo<Order>) {
    let _ = orders.find(Order::NOTE.eq("x"));
}

fn main() {}
