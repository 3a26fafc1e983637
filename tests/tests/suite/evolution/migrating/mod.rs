//! Migrating old documents in bulk, concurrently with other writers.

mod effects;
mod reports;
mod runs;

use crate::evolution::people::{Programs, v1};

fn id(n: u64) -> String {
    format!("person-{n:04}")
}

/// Documents of the first program.
async fn create(programs: &Programs, count: u64) {
    for n in 0..count {
        let person = v1::Person { name: format!("Number {n}"), number: n };
        programs.first.create_with_id(id(n), person).await.unwrap();
    }
}
