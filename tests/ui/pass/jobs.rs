// Every option of a transformation.

use metastore::Collection;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use validator::Validate;

#[derive(Clone, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "textsplitter", name = "texts", object_type = texts)]
#[transformation(extract -> String, on = create, update, timeout = "30s", retries = 3)]
#[transformation(words -> u64, after = extract, retry_delay = "5s", result_ttl = "7d", mode = worker)]
#[transformation(greet -> String, on = update, create)]
#[transformation(shout -> String, mode = inline)]
struct Text {
    content: String,
}

fn main() {
    let [extract, words, greet, shout] = Text::SCHEMA.transformations else { panic!() };
    assert!(extract.on_create && extract.on_update && greet.on_create && greet.on_update);
    assert_eq!(words.after, Some("extract"));
    assert_eq!(words.retry_delay, Some(Duration::from_secs(5)));
    assert_eq!(words.result_ttl, Some(Duration::from_secs(7 * 24 * 60 * 60)));
    assert!(shout.inline && !words.inline);
}
