//! Errors in the words of a command line.

use anyhow::anyhow;
use metastore::{Error, ErrorKind};

/// Rewords those errors of the store that the user of the command can fix.
#[must_use]
pub fn explain(error: anyhow::Error) -> anyhow::Error {
    let Some(known) = error.downcast_ref::<Error>() else { return error };
    match known.kind() {
        ErrorKind::AlreadyExists { field: Some(field) } => {
            anyhow!("this {field} is taken: choose another `{field}`")
        }
        ErrorKind::Validation(violations) => {
            let lines = violations.as_slice().iter().map(|found| match found.path.as_str() {
                "" => found.message.clone(),
                path => format!("`{path}`: {}", found.message),
            });
            anyhow!(lines.collect::<Vec<_>>().join("; "))
        }
        ErrorKind::Conflict { .. } => anyhow!("somebody else has changed it meanwhile: try again"),
        ErrorKind::InvalidArgument(message) => anyhow!(message.clone()),
        _ => error,
    }
}
