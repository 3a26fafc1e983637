//! What is wrong with a document.

use std::fmt;

use serde::Serialize;

/// One violation of a validation rule. It never contains the offending value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Violation {
    /// Where, in the names of the JSON: `tags[2].label`; empty for the document as a whole.
    pub path: String,
    /// Which rule, by the code that `validator` gives it: `length`, `email`, ….
    pub code: String,
    /// What the rule asks for.
    pub message: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = if self.path.is_empty() { "(document)" } else { &self.path };
        write!(f, "{path}: {} [{}]", self.message, self.code)
    }
}

/// All violations of a document, sorted by path and code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Violations(Vec<Violation>);

impl Violations {
    pub(crate) fn new(mut found: Vec<Violation>) -> Self {
        found.sort();
        found.dedup();
        Self(found)
    }

    /// The violations in order.
    #[must_use]
    pub fn as_slice(&self) -> &[Violation] {
        &self.0
    }
}

impl fmt::Display for Violations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, violation) in self.0.iter().enumerate() {
            if position > 0 {
                f.write_str("; ")?;
            }
            write!(f, "{violation}")?;
        }
        Ok(())
    }
}
