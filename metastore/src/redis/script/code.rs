//! The codes that the replies of scripts begin with, as in `scripts/lib/verdict.lua`.

/// Done, by this call or by an earlier one with the same commit.
pub(crate) const DONE: i64 = 1;

/// A part is done, and the rest is left: call again.
pub(crate) const PARTLY: i64 = 2;

/// The item, job or key is not in the state that the call expects.
pub(crate) const CONFLICT: i64 = 0;

/// There is no such item.
pub(crate) const NOT_FOUND: i64 = -1;

/// The key does not hold a document.
pub(crate) const NOT_A_DOCUMENT: i64 = -2;

/// Another item has the value of a unique field.
pub(crate) const VALUE_TAKEN: i64 = -3;

/// A key of the item holds another type of value.
pub(crate) const WRONG_TYPE: i64 = -4;

/// An index does not hold all items.
pub(crate) const INDEX_INCOMPLETE: i64 = -5;

/// The server takes no writes.
pub(crate) const NOT_WRITABLE: i64 = -6;

/// The time of the write is too far from the server's. Nothing is written.
pub(crate) const CLOCK_SKEW: i64 = -8;

/// An earlier call with the same commit was refused. Why is not kept, so the operation starts again
/// with another commit.
pub(crate) const REFUSED_BEFORE: i64 = -9;

/// The job was cancelled.
pub(crate) const CANCELLED: i64 = -10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_use_the_same_codes() {
        let here = [
            ("DONE", DONE),
            ("PARTLY", PARTLY),
            ("CONFLICT", CONFLICT),
            ("NOT_FOUND", NOT_FOUND),
            ("NOT_A_DOCUMENT", NOT_A_DOCUMENT),
            ("VALUE_TAKEN", VALUE_TAKEN),
            ("WRONG_TYPE", WRONG_TYPE),
            ("INDEX_INCOMPLETE", INDEX_INCOMPLETE),
            ("NOT_WRITABLE", NOT_WRITABLE),
            ("CLOCK_SKEW", CLOCK_SKEW),
            ("REFUSED_BEFORE", REFUSED_BEFORE),
            ("CANCELLED", CANCELLED),
        ];
        let lua = include_str!("../scripts/lib/verdict.lua");
        let in_lua: Vec<(&str, i64)> = lua
            .lines()
            .filter_map(|line| line.strip_prefix("local ")?.split_once(" = "))
            .map(|(name, code)| (name, code.parse().expect("a number")))
            .collect();
        assert_eq!(in_lua, here);
    }
}
