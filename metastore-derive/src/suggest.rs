//! Suggestions for typos.

/// The candidate that `given` may be a typo of, if there is one.
pub(crate) fn closest<'a>(given: &str, candidates: &[&'a str]) -> Option<&'a str> {
    let given = given.to_lowercase();
    candidates
        .iter()
        .map(|candidate| (distance(&given, &candidate.to_lowercase()), *candidate))
        // A third of the letters may be wrong; beyond that a guess misleads more than it helps.
        .filter(|(distance, candidate)| *distance <= candidate.len().max(3) / 3)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Whether one or two letters were missed of a candidate.
pub(crate) fn is_slip(given: &str, candidates: &[&str]) -> bool {
    closest(given, candidates).is_some_and(|meant| distance(given, meant) <= 2)
}

/// The candidates as an enumeration in prose.
pub(crate) fn list(candidates: &[&str]) -> String {
    let quoted: Vec<_> = candidates.iter().map(|candidate| format!("`{candidate}`")).collect();
    match quoted.as_slice() {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// How many letters must be inserted, dropped, replaced or swapped with their neighbour.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![(0..=b.len()).collect::<Vec<usize>>()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = replaced.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPTIONS: [&str; 5] = ["domain", "app", "name", "object_type", "ttl"];

    #[test]
    fn a_slip_is_recognised() {
        assert_eq!(closest("domian", &OPTIONS), Some("domain"));
        assert_eq!(closest("objecttype", &OPTIONS), Some("object_type"));
        assert_eq!(closest("Name", &OPTIONS), Some("name"));
        assert_eq!(closest("tll", &OPTIONS), Some("ttl"));
    }

    #[test]
    fn something_else_is_not_guessed_at() {
        assert_eq!(closest("version", &OPTIONS), None);
        assert_eq!(closest("x", &OPTIONS), None);
        assert_eq!(closest("", &OPTIONS), None);
    }

    #[test]
    fn distances_are_counted_in_letters() {
        assert_eq!(distance("", "ttl"), 3);
        assert_eq!(distance("ttl", "ttl"), 0);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("ähnlich", "ahnlich"), 1);
        assert_eq!(distance("domian", "domain"), 1);
    }

    #[test]
    fn a_list_reads_like_prose() {
        assert_eq!(list(&[]), "");
        assert_eq!(list(&["a"]), "`a`");
        assert_eq!(list(&["a", "b", "c"]), "`a`, `b` and `c`");
    }
}
