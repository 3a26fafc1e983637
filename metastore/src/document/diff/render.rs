//! The difference between two JSON values as lines for people.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::{self, Write};
use std::time::{Duration, Instant};

use similar::{Algorithm, ChangeTag, DiffOp, TextDiff, capture_diff_slices_deadline};

use crate::json::tree::Tree;

/// How long the search for the shortest edit script of a text or list may take. Afterwards the
/// result is correct, but may be longer.
const PATIENCE: Duration = Duration::from_millis(500);

/// How many unchanged lines are shown around changed ones.
const CONTEXT: usize = 3;

/// Up to this combined length, two values are shown on one line.
const ONE_LINE: usize = 72;

/// Writes one line for each change, and a block of lines for each changed text.
pub(super) fn changes(out: &mut impl Write, before: &Tree<'_>, after: &Tree<'_>) -> fmt::Result {
    Renderer { out, path: String::new(), patience: PATIENCE }.value(before, after)
}

struct Renderer<'w, W> {
    out: &'w mut W,
    /// The position, as a JSON pointer.
    path: String,
    /// The remaining time of the search.
    patience: Duration,
}

impl<W: Write> Renderer<'_, W> {
    fn value(&mut self, before: &Tree<'_>, after: &Tree<'_>) -> fmt::Result {
        match (before, after) {
            (Tree::Object(before), Tree::Object(after)) => self.object(before, after),
            (Tree::List(before), Tree::List(after)) => self.array(before, after),
            (before, after) if before == after => Ok(()),
            (Tree::Text(before), Tree::Text(after))
                if before.len() + after.len() > ONE_LINE
                    || before.contains('\n')
                    || after.contains('\n') =>
            {
                self.text(before, after)
            }
            _ => {
                write!(self.out, "~ {}: ", Visible(&self.path))?;
                writeln!(self.out, "{} → {}", Json(before), Json(after))
            }
        }
    }

    fn object(
        &mut self,
        before: &[(Cow<'_, str>, Tree<'_>)],
        after: &[(Cow<'_, str>, Tree<'_>)],
    ) -> fmt::Result {
        let find = |members: &[(Cow<'_, str>, Tree<'_>)], name: &Cow<'_, str>| {
            members.binary_search_by(|(other, _)| other.cmp(name)).ok()
        };
        for (name, old) in before {
            self.at(name, |this| match find(after, name) {
                Some(at) => this.value(old, &after[at].1),
                None => this.one('-', old),
            })?;
        }
        for (name, new) in after.iter().filter(|(name, _)| find(before, name).is_none()) {
            self.at(name, |this| this.one('+', new))?;
        }
        Ok(())
    }

    /// Removed elements are shown with their old position, all others with the new one.
    fn array(&mut self, before: &[Tree<'_>], after: &[Tree<'_>]) -> fmt::Result {
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
        for op in ops {
            if matches!(op, DiffOp::Equal { .. }) {
                continue;
            }
            let (old, new) = (op.old_range(), op.new_range());
            let pairs = old.len().min(new.len());
            for (from, to) in old.clone().zip(new.clone()) {
                self.at(&to.to_string(), |this| this.value(&before[from], &after[to]))?;
            }
            for from in old.skip(pairs) {
                self.at(&from.to_string(), |this| this.one('-', &before[from]))?;
            }
            for to in new.skip(pairs) {
                self.at(&to.to_string(), |this| this.one('+', &after[to]))?;
            }
        }
        Ok(())
    }

    fn text(&mut self, before: &str, after: &str) -> fmt::Result {
        writeln!(self.out, "~ {}", Visible(&self.path))?;
        let of_lines = before.contains('\n') || after.contains('\n');
        let started = Instant::now();
        let deadline = started + self.patience;
        let diff = TextDiff::configure().deadline(deadline).diff_lines(before, after);
        self.patience = self.patience.saturating_sub(started.elapsed());
        for (position, group) in diff.grouped_ops(CONTEXT).iter().enumerate() {
            if position > 0 {
                writeln!(self.out, "    …")?;
            }
            for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
                let mark = match change.tag() {
                    ChangeTag::Equal => ' ',
                    ChangeTag::Delete => '-',
                    ChangeTag::Insert => '+',
                };
                let line = change.value();
                let line = line.strip_suffix('\n').unwrap_or(line);
                writeln!(self.out, "  {mark} {}", Visible(line))?;
                if of_lines && change.missing_newline() && change.tag() != ChangeTag::Equal {
                    writeln!(self.out, "    (no line break at the end)")?;
                }
            }
        }
        Ok(())
    }

    fn one(&mut self, mark: char, value: &Tree<'_>) -> fmt::Result {
        writeln!(self.out, "{mark} {}: {}", Visible(&self.path), Json(value))
    }

    /// Calls a function one level deeper.
    fn at(&mut self, name: &str, then: impl FnOnce(&mut Self) -> fmt::Result) -> fmt::Result {
        let length = self.path.len();
        self.path.push('/');
        self.path.push_str(&name.replace('~', "~0").replace('/', "~1"));
        let done = then(self);
        self.path.truncate(length);
        done
    }
}

/// Text with escaped control characters, so that a document cannot control a terminal.
struct Visible<'a>(&'a str);

impl fmt::Display for Visible<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for char in self.0.chars() {
            if char.is_control() && char != '\t' {
                write!(f, "{}", char.escape_unicode())?;
            } else {
                f.write_char(char)?;
            }
        }
        Ok(())
    }
}

/// A value as JSON on one line.
struct Json<'a>(&'a Tree<'a>);

impl fmt::Display for Json<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Visible(&self.0.to_string()).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn rendered(before: &Value, after: &Value) -> String {
        let mut out = String::new();
        let (before, after) = (before.to_string(), after.to_string());
        let (before, after) = (Tree::parse(&before).unwrap(), Tree::parse(&after).unwrap());
        changes(&mut out, &before, &after).expect("a string takes everything");
        out
    }

    #[test]
    fn each_change_is_a_line_with_its_path() {
        let before = json!({"a": 1, "b": {"c/d": null, "e~": [1]}, "old": {"x": [1, "y"]}});
        let after = json!({"a": 1.5, "b": {"c/d": "en", "e~": [1]}, "new": true});
        assert_eq!(
            rendered(&before, &after),
            "~ /a: 1 → 1.5\n~ /b/c~1d: null → \"en\"\n- /old: {\"x\":[1,\"y\"]}\n+ /new: true\n"
        );
        assert_eq!(rendered(&before, &before), "");
    }

    #[test]
    fn what_moves_along_in_a_list_is_no_change() {
        let before = json!({"l": ["b", "c", "d", {"n": 1}]});
        let after = json!({"l": ["a", "b", "d", {"n": 2}]});
        assert_eq!(rendered(&before, &after), "+ /l/0: \"a\"\n- /l/1: \"c\"\n~ /l/3/n: 1 → 2\n");
    }

    #[test]
    fn a_text_is_compared_line_by_line_with_some_lines_around() {
        let lines: Vec<String> = (1..=20).map(|n| format!("line {n}\n")).collect();
        let before = json!({ "t": lines.concat() });
        let after = lines.concat().replace("line 5\n", "fifth\n").replace("line 18\n", "");
        let expected = "~ /t\n    line 2\n    line 3\n    line 4\n  - line 5\n  + fifth\n    line 6\n    \
                        line 7\n    line 8\n    …\n    line 15\n    line 16\n    line 17\n  - line 18\n    \
                        line 19\n    line 20\n";
        assert_eq!(rendered(&before, &json!({ "t": after })), expected);
        assert_eq!(
            rendered(&json!("a\nb\n"), &json!("a\nb")),
            "~ \n    a\n  - b\n  + b\n    (no line break at the end)\n"
        );
    }

    #[test]
    fn a_long_line_stands_under_the_one_that_it_replaces() {
        let (before, after) = ("x".repeat(50), "y".repeat(50));
        assert_eq!(
            rendered(&json!({ "t": before }), &json!({ "t": after })),
            format!("~ /t\n  - {before}\n  + {after}\n")
        );
    }

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        let hostile = "\u{1b}[2J\u{9b}31m\r\n\u{7}";
        let before = json!({ hostile: 1, "t": "a\nb", "u": "" });
        let after = json!({ hostile: 2, "t": hostile, "u": "\u{9b}" });
        let text = rendered(&before, &after);
        assert!(text.chars().all(|char| char == '\n' || !char.is_control()), "{text:?}");
        assert!(text.contains("\\u{1b}[2J"), "{text}");
    }

    #[test]
    fn huge_texts_with_nothing_in_common_end_in_time() {
        let text = |seed: usize| -> String {
            (0..200_000).map(|n| format!("{}\n", n * 7 + seed)).collect()
        };
        let started = Instant::now();
        let shown = rendered(&json!({ "t": text(1) }), &json!({ "t": text(3) }));
        assert!(shown.len() > 1_000_000);
        assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "[a-c\n~/]{0,6}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[a-c~/]{0,2}", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn something_is_shown_exactly_if_something_differs(a in value(), b in value()) {
            prop_assert_eq!(rendered(&a, &b).is_empty(), a == b);
        }
    }
}
