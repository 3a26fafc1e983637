//! Adding unknown fields to a document that is written.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use similar::{Algorithm, DiffOp, capture_diff_slices_deadline};

use super::extra::{Extra, Level, push_name};
use crate::json::tree::{elements, members};

/// How long the search for the elements of a list that have moved may take.
const PATIENCE: Duration = Duration::from_millis(200);

/// Adds what was found in a stored text to the text that replaces it. `before` is what the type
/// wrote of the stored text, `after` what it writes now: their common parts show where each object
/// is now.
///
/// An element of a list is recognised by the equal elements around it; one that was changed and
/// moved at the same time counts as new. The unknown fields of a removed object or element are
/// removed with it.
pub(crate) fn graft(before: &str, after: &str, extras: &[Extra<'_>]) -> String {
    let mut out = String::with_capacity(after.len() + 64);
    let deadline = Instant::now() + PATIENCE;
    add(before, after, &extras.iter().collect::<Vec<_>>(), 0, deadline, &mut out);
    out
}

fn add(
    before: &str,
    after: &str,
    extras: &[&Extra<'_>],
    depth: usize,
    deadline: Instant,
    out: &mut String,
) {
    if let [extra] = extras
        && extra.name().is_none()
        && extra.path.len() == depth
    {
        out.push_str(if before == after { extra.value } else { after });
        return;
    }
    let begins = |text: &str, with: char| text.starts_with(with);
    if !extras.is_empty() && begins(before, '{') && begins(after, '{') {
        let before: HashMap<_, _> = members(before).unwrap_or_default().into_iter().collect();
        let after = members(after).unwrap_or_default();
        let level = Level::of(extras, depth);
        out.push('{');
        let mut count = 0;
        for (name, value) in &after {
            push_name(out, count, name);
            count += 1;
            match before.get(name) {
                Some(before) => {
                    add(before, value, level.member(name), depth + 1, deadline, out);
                }
                None => out.push_str(value),
            }
        }
        for extra in level.own {
            let Some(own) = extra.name() else { continue };
            if after.iter().all(|(name, _)| name != own) {
                push_name(out, count, own);
                count += 1;
                out.push_str(extra.value);
            }
        }
        out.push('}');
    } else if !extras.is_empty() && begins(before, '[') && begins(after, '[') {
        let before = elements(before).unwrap_or_default();
        let after = elements(after).unwrap_or_default();
        let level = Level::of(extras, depth);
        let origins = origins(&before, &after, deadline);
        out.push('[');
        for (at, (value, origin)) in after.iter().zip(origins).enumerate() {
            if at > 0 {
                out.push(',');
            }
            match origin {
                Some(from) => {
                    let inner = level.element(from);
                    add(before[from], value, inner, depth + 1, deadline, out);
                }
                None => out.push_str(value),
            }
        }
        out.push(']');
    } else {
        out.push_str(after);
    }
}

/// For each element of `after` the position of the element of `before` that it was.
fn origins(before: &[&str], after: &[&str], deadline: Instant) -> Vec<Option<usize>> {
    let mut origins = vec![None; after.len()];
    let ops = capture_diff_slices_deadline(Algorithm::Myers, before, after, Some(deadline));
    for op in ops {
        let (old, new) = (op.old_range(), op.new_range());
        // As many as before, so they were changed where they are.
        if matches!(op, DiffOp::Equal { .. }) || old.len() == new.len() {
            for (from, to) in old.zip(new) {
                origins[to] = Some(from);
            }
        }
    }
    origins
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Adds to `after` what `stored` has and `before` has not.
    fn kept(stored: &str, before: &str, after: &str) -> String {
        let any = |_: &serde_json::Value| Some(before.as_bytes().to_vec());
        let extras = super::super::extras::<serde_json::Value>(stored, before, |_| false, any);
        graft(before, after, &extras)
    }

    #[test]
    fn each_object_gets_its_own_back() {
        let stored =
            r#"{"name":"a","at":{"city":"x","zip":[1.50]},"new":null,"m":{"k":{"n":1,"u":2}}}"#;
        let before = r#"{"name":"a","at":{"city":"x"},"m":{"k":{"n":1}}}"#;
        assert_eq!(
            kept(stored, before, r#"{"name":"b","at":{"city":"y"},"m":{"k":{"n":3},"l":{"n":1}}}"#),
            r#"{"name":"b","at":{"city":"y","zip":[1.50]},"m":{"k":{"n":3,"u":2},"l":{"n":1}},"new":null}"#
        );
        // Unknown fields are removed with their object.
        assert_eq!(
            kept(stored, before, r#"{"name":"b","at":null,"m":{},"new":7}"#),
            r#"{"name":"b","at":null,"m":{},"new":7}"#
        );
    }

    #[test]
    fn elements_of_a_list_keep_theirs_when_others_come_and_go() {
        let stored = r#"[{"n":1,"u":"a"},{"n":2},{"n":3,"u":"c"},{"n":4,"u":"d"}]"#;
        let before = r#"[{"n":1},{"n":2},{"n":3},{"n":4}]"#;
        for (after, expected) in [
            (before, stored),
            (r#"[{"n":0},{"n":1},{"n":3}]"#, r#"[{"n":0},{"n":1,"u":"a"},{"n":3,"u":"c"}]"#),
            (
                r#"[{"n":1},{"n":2},{"n":30},{"n":4}]"#,
                r#"[{"n":1,"u":"a"},{"n":2},{"n":30,"u":"c"},{"n":4,"u":"d"}]"#,
            ),
            ("[]", "[]"),
        ] {
            assert_eq!(kept(stored, before, after), expected);
        }
    }
}
