//! Helpers for the tests of the types.

use proptest::test_runner::TestCaseError;

use super::field_value::RangeField;

/// Checks the contract of ordered types: `a < b` in the index if and only if `a < b` in Rust.
pub(super) fn keeps_order<V>(a: &V, b: &V) -> Result<(), TestCaseError>
where
    V: RangeField + PartialOrd + std::fmt::Debug,
{
    // An index entry continues after the value.
    let entry = |value: &V| {
        let mut bytes = value.order_value().into_bytes().expect("an index can hold it");
        bytes.extend(b"\x000193a1b2c3d4x");
        bytes
    };
    let (found, expected) = (entry(a).cmp(&entry(b)), a.partial_cmp(b));
    if Some(found) == expected {
        return Ok(());
    }
    Err(TestCaseError::fail(format!("{a:?} {b:?}: {expected:?} in Rust, {found:?} in the index")))
}
