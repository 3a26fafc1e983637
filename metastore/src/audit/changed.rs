//! The names of the fields that a write changed; never their values.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use serde_json::value::RawValue;

use crate::json::tree::same;

/// The most bytes of names in an entry; those that do not fit are counted.
const MAX_BYTES: usize = 1_024;

/// The top-level fields that differ between two documents, as they are named in JSON, sorted: a
/// JSON array, as it is stored in the entry. If not all fit, its last element is the number of the
/// others.
pub(crate) fn changed_fields(before: &[u8], after: &[u8]) -> String {
    let (Some(before), Some(after)) = (fields(before), fields(after)) else {
        return String::from("[]");
    };
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let changed = names.into_iter().filter(|name| differ(before.get(*name), after.get(*name)));
    let mut listed = Vec::new();
    let (mut bytes, mut others) = (0, 0u64);
    for name in changed {
        bytes += name.len();
        if bytes > MAX_BYTES {
            others += 1;
        } else {
            listed.push(Value::from(name.as_str()));
        }
    }
    if others > 0 {
        listed.push(others.into());
    }
    Value::from(listed).to_string()
}

fn fields(json: &[u8]) -> Option<BTreeMap<String, &RawValue>> {
    serde_json::from_slice(json).ok()
}

fn differ(before: Option<&&RawValue>, after: Option<&&RawValue>) -> bool {
    let (Some(before), Some(after)) = (before, after) else { return true };
    let (before, after) = (before.get(), after.get());
    if before == after {
        return false;
    }
    // Maps and sets without an order of their own may be written differently each time.
    before.len() != after.len() || !same(before, after)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(before: &str, after: &str) -> String {
        changed_fields(before.as_bytes(), after.as_bytes())
    }

    #[test]
    fn what_differs_is_named_and_nothing_else() {
        let before = r#"{"same":1,"order":{"a":1,"b":2},"gone":null,"b":"x","a":[1]}"#;
        let after = r#"{"same":1,"order":{"b":2,"a":1},"b":"secret","a":[1,2],"new":0}"#;
        assert_eq!(changed(before, after), r#"["a","b","gone","new"]"#);
        assert_eq!(changed("{}", "{}"), "[]");
        assert_eq!(changed(r#"{"n":1.0}"#, r#"{"n":1}"#), r#"["n"]"#);
        let (before, after) = (r#"{"n":100000000000000000012}"#, r#"{"n":100000000000000000021}"#);
        assert_eq!(changed(before, after), r#"["n"]"#);
    }

    #[test]
    fn strange_names_are_kept_to_the_letter() {
        let names = changed("{}", r#"{"\"],[":1,"\u0000 \\":2,"":3,"🦀":4}"#);
        let names: Vec<String> = serde_json::from_str(&names).unwrap();
        assert_eq!(names, ["", "\0 \\", "\"],[", "🦀"]);
    }

    #[test]
    fn what_does_not_fit_is_counted() {
        let many: BTreeMap<String, u8> = (0..1_000).map(|n| (format!("field{n:03}"), 0)).collect();
        let text = changed("{}", &serde_json::to_string(&many).unwrap());
        let names: Vec<Value> = serde_json::from_str(&text).unwrap();
        assert_eq!((names.len(), &names[127], &names[128]), (129, &"field127".into(), &872.into()));
        let long = format!("{{\"{}\":1}}", "x".repeat(5_000));
        assert_eq!(changed("{}", &long), "[1]");
    }
}
