//! The difference between two JSON values as a JSON Patch (RFC 6902).

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use similar::{Algorithm, DiffOp, capture_diff_slices_deadline};

use crate::json::tree::Tree;

/// How long the search for the fewest changes of lists may take. Afterwards the result is correct,
/// but may be longer.
const PATIENCE: Duration = Duration::from_millis(500);

/// Up to this many bytes, operations are not compared with the size of the value.
const SMALL: usize = 1_024;

/// The operations that lead from one value to the other, as the text of a JSON array.
///
/// If the operations on a list or object are longer than [`SMALL`] and than the new value, the
/// value is replaced as a whole. So a patch is never much longer than the document that it leads
/// to.
pub(super) fn patch(before: &Tree<'_>, after: &Tree<'_>) -> String {
    let mut patch = Patch { out: String::from("["), path: String::new(), patience: PATIENCE };
    patch.value(before, after);
    patch.out.push(']');
    patch.out
}

struct Patch {
    out: String,
    /// Where it is, as a JSON pointer.
    path: String,
    /// The remaining time of the search.
    patience: Duration,
}

impl Patch {
    fn value(&mut self, before: &Tree<'_>, after: &Tree<'_>) {
        if before == after {
            return;
        }
        let start = self.out.len();
        match (before, after) {
            (Tree::Object(before), Tree::Object(after)) => self.object(before, after),
            (Tree::List(before), Tree::List(after)) => self.list(before, after),
            _ => return self.op("replace", Some(after)),
        }
        if self.out.len() - start <= SMALL {
            return;
        }
        let of_parts = self.out.split_off(start);
        self.op("replace", Some(after));
        if of_parts.len() <= self.out.len() - start {
            self.out.truncate(start);
            self.out.push_str(&of_parts);
        }
    }

    fn object(&mut self, before: &[(Cow<'_, str>, Tree<'_>)], after: &[(Cow<'_, str>, Tree<'_>)]) {
        let (mut before, mut after) = (before.iter().peekable(), after.iter().peekable());
        loop {
            let order = match (before.peek(), after.peek()) {
                (None, None) => return,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some((old, _)), Some((new, _))) => old.cmp(new),
            };
            let old = if order.is_le() { before.next() } else { None };
            let new = if order.is_ge() { after.next() } else { None };
            match (old, new) {
                (Some((name, _)), None) => self.at(name, |this| this.op("remove", None)),
                (None, Some((name, new))) => self.at(name, |this| this.op("add", Some(new))),
                (Some((name, old)), Some((_, new))) => self.at(name, |this| this.value(old, new)),
                (None, None) => return,
            }
        }
    }

    fn list(&mut self, before: &[Tree<'_>], after: &[Tree<'_>]) {
        // Elements are compared many times, so each different one gets a number.
        let mut numbers = HashMap::new();
        let mut number = |element| {
            let next = numbers.len();
            *numbers.entry(element).or_insert(next)
        };
        let old: Vec<usize> = before.iter().map(&mut number).collect();
        let new: Vec<usize> = after.iter().map(&mut number).collect();
        let started = Instant::now();
        let deadline = Some(started + self.patience);
        let ops = capture_diff_slices_deadline(Algorithm::Myers, &old, &new, deadline);
        self.patience = self.patience.saturating_sub(started.elapsed());
        // What is left of an operation is as it is to be, so positions there are those of the new
        // list.
        for op in ops.iter().filter(|op| !matches!(op, DiffOp::Equal { .. })) {
            let (old, new) = (op.old_range(), op.new_range());
            let pairs = old.len().min(new.len());
            for (from, to) in old.clone().zip(new.clone()) {
                self.element(to, |this| this.value(&before[from], &after[to]));
            }
            for _ in pairs..old.len() {
                self.element(new.start + pairs, |this| this.op("remove", None));
            }
            for to in new.skip(pairs) {
                self.element(to, |this| this.op("add", Some(&after[to])));
            }
        }
    }

    fn op(&mut self, op: &str, value: Option<&Tree<'_>>) {
        if !self.out.ends_with('[') || self.out.len() > 1 {
            self.out.push(',');
        }
        // Text always serialises, and a string takes everything.
        let path = serde_json::to_string(&self.path).unwrap_or_default();
        let _ = write!(self.out, r#"{{"op":"{op}","path":{path}"#);
        if let Some(value) = value {
            let _ = write!(self.out, r#","value":{value}"#);
        }
        self.out.push('}');
    }

    fn element(&mut self, position: usize, then: impl FnOnce(&mut Self)) {
        self.at(&position.to_string(), then);
    }

    /// Calls a function one level deeper.
    fn at(&mut self, name: &str, then: impl FnOnce(&mut Self)) {
        let length = self.path.len();
        self.path.push('/');
        self.path.push_str(&name.replace('~', "~0").replace('/', "~1"));
        then(self);
        self.path.truncate(length);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn patch_of(before: &str, after: &str) -> String {
        patch(&Tree::parse(before).unwrap(), &Tree::parse(after).unwrap())
    }

    #[test]
    fn one_element_before_many_is_one_operation() {
        let many: Vec<String> = (0..200_000).map(|n| format!("{{\"n\":{n}}}")).collect();
        let before = format!("[{}]", many.join(","));
        let after = format!("[\"new\",{}]", many.join(","));
        let added = r#"[{"op":"add","path":"/0","value":"new"}]"#;
        assert_eq!(patch_of(&before, &after), added);
        assert_eq!(patch_of(&after, &before), r#"[{"op":"remove","path":"/0"}]"#);
    }

    #[test]
    fn numbers_are_exact_and_names_escaped() {
        assert_eq!(
            patch_of(
                r#"{"a/~\"":100000000000000000012,"b":[1.0,{"x":null}],"c":1}"#,
                r#"{"a/~\"":100000000000000000021,"b":[1,{"x":1e400}],"d":-0}"#,
            ),
            r#"[{"op":"replace","path":"/a~1~0\"","value":100000000000000000021},"#.to_owned()
                + r#"{"op":"replace","path":"/b/0","value":1},"#
                + r#"{"op":"replace","path":"/b/1/x","value":1e400},"#
                + r#"{"op":"remove","path":"/c"},{"op":"add","path":"/d","value":-0}]"#
        );
        assert_eq!(patch_of("{}", "{}"), "[]");
    }

    #[test]
    fn lists_with_nothing_in_common_are_replaced_in_time() {
        let list = |seed: usize| {
            let all: Vec<String> = (0..200_000).map(|n| (n * 7 + seed).to_string()).collect();
            format!("{{\"l\":[{}]}}", all.join(","))
        };
        let started = Instant::now();
        let patch = patch_of(&list(1), &list(3));
        assert!(patch.len() < list(3).len() + 100, "{}", patch.len());
        assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (0..3i64).prop_map(Value::from),
            "[a-c\n~/]{0,6}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 48, 8, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
                prop::collection::btree_map("[a-c~/]{0,2}", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn a_patch_leads_from_the_one_to_the_other_and_is_not_longer_than_a_replacement(
            a in value(), b in value(),
        ) {
            let text = patch_of(&a.to_string(), &b.to_string());
            let patch: json_patch::Patch = serde_json::from_str(&text).unwrap();
            let mut patched = a.clone();
            json_patch::patch(&mut patched, &patch).expect("it applies");
            prop_assert_eq!(&patched, &b);
            prop_assert_eq!(patch.0.is_empty(), a == b);
            let whole = json!([{"op": "replace", "path": "", "value": b}]);
            prop_assert!(text.len() <= whole.to_string().len().max(SMALL + 2));
        }
    }
}
