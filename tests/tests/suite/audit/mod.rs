//! Writing the audit: an entry exists exactly when its write does, and describes it.

mod entries;
mod failures;
mod settings;

use metastore::queue::TakeOptions;
use metastore::{AuditEntry, AuditPage, Store};
use metastore_tests::Server;

use crate::fixture::{MyRepo, start_with};

pub(crate) const FEED: &str = "stream:audit:myapp:textsplitter:texts";

/// A server, and its collections with the audit on, on behalf of `u42`.
pub(crate) async fn audited() -> (Server, MyRepo) {
    start_with(Store::options().audit(true).actor("u42")).await
}

/// The same collections on behalf of another user.
pub(crate) async fn in_the_name_of(server: &Server, actor: &str) -> MyRepo {
    let options = Store::options().audit(true).actor(actor);
    MyRepo::with_store(&options.connect(server.url()).await.unwrap())
}

fn one_job() -> TakeOptions {
    TakeOptions::new("w", 1)
}

/// An entry without the parts that differ between runs.
fn said(entry: &AuditEntry) -> String {
    let mut said = entry.operation.to_string();
    for (word, number) in [(" ", entry.version), (" from ", entry.from)] {
        if let Some(number) = number {
            said += &format!("{word}{number}");
        }
    }
    if !entry.changed.is_empty() {
        said += &format!(" changed {}", entry.changed.join(","));
    }
    for detail in [&entry.mutation, &entry.transformation, &entry.error].into_iter().flatten() {
        said += &format!(" {detail}");
    }
    said
}

pub(crate) fn all_said(page: &AuditPage) -> Vec<String> {
    page.entries.iter().map(said).collect()
}
