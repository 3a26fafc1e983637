//! Names that no other test uses, for tests that share one server.

use std::sync::atomic::{AtomicU64, Ordering};

/// Returns `prefix` followed by a suffix that no other call returns, in this process or in any
/// other process that runs at the same time.
pub fn unique_name(prefix: &str) -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("{prefix}-{}-{number}", std::process::id())
}
