//! How a violated rule is reported.

/// Fails with every violation and the way to resolve them.
#[track_caller]
pub(crate) fn require_none(rule: &str, violations: &[String], resolution: &str) {
    assert!(
        violations.is_empty(),
        "{rule}, but:\n\n  {}\n\n{resolution}\n",
        violations.join("\n  ")
    );
}
