//! Finding the server program.

use std::env;
use std::path::{Path, PathBuf};

/// The environment variable that names the server program, by path or by name.
const OVERRIDE: &str = "METASTORE_REDIS_SERVER";

const CANDIDATES: [&str; 2] = ["redis-server", "valkey-server"];

/// Returns the path of the server program.
///
/// # Panics
///
/// Panics with advice when there is none.
pub(super) fn find() -> PathBuf {
    // An empty value counts as unset, since that is what an unset variable of a script becomes.
    match env::var(OVERRIDE) {
        Ok(name) if !name.is_empty() => resolve(&name)
            .unwrap_or_else(|| panic!("{OVERRIDE} names `{name}`, and there is no such program")),
        _ => CANDIDATES.into_iter().find_map(resolve).expect(
            "no redis-server or valkey-server on the PATH: run `make server` or install one, \
             e.g. `apt-get install redis-server`",
        ),
    }
}

/// Resolves a program the way a shell does: a name with a slash is a path already.
fn resolve(name: &str) -> Option<PathBuf> {
    if name.contains('/') {
        return Path::new(name).is_file().then(|| PathBuf::from(name));
    }
    let directories = env::var_os("PATH")?;
    env::split_paths(&directories).map(|directory| directory.join(name)).find(|path| path.is_file())
}
