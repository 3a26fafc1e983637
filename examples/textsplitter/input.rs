//! Finding the files that a run is about, before anything is stored.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::bail;

/// What a folder is searched for.
const TEXT_FILES: [&str; 3] = ["md", "markdown", "txt"];

/// Folders of other people's texts.
const SKIPPED: [&str; 2] = ["target", "node_modules"];

/// One file.
#[derive(Debug)]
pub(crate) struct Input {
    pub(crate) path: PathBuf,
    /// The name of a file that was named itself, or the path in the folder that was named; with the
    /// name of the folder if there are several paths, since many folders have a `README.md`.
    pub(crate) name: String,
}

/// The files, and what is wrong with those folders that could not be searched.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) inputs: Vec<Input>,
    pub(crate) problems: Vec<String>,
}

#[derive(Default)]
struct Search {
    inputs: Vec<Input>,
    problems: Vec<String>,
    /// The files that are there already; one may be named twice, and by several paths.
    seen: HashSet<PathBuf>,
}

/// Finds the files that the paths name, or the Markdown files of this repository if there are none.
///
/// A path that does not exist is an error, since a slip of the pen should not store half of what was
/// meant. A folder further down that cannot be read is only a problem.
pub(crate) fn find(paths: &[PathBuf]) -> anyhow::Result<Found> {
    let mut search = Search::default();
    if paths.is_empty() {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let repository = here.parent().unwrap_or(here);
        search.folder(repository, repository, &TEXT_FILES[..2]);
    }
    let wrong: Vec<String> = paths
        .iter()
        .filter_map(|path| {
            fs::metadata(path).err().map(|error| format!("{}: {error}", path.display()))
        })
        .collect();
    if !wrong.is_empty() {
        bail!("nothing was stored: {}", wrong.join("; "));
    }
    for path in paths {
        if path.is_dir() {
            let root = path.parent().filter(|_| paths.len() > 1).unwrap_or(path);
            search.folder(root, path, &TEXT_FILES);
        } else {
            let name = path.file_name().unwrap_or(path.as_os_str());
            search.add(path.clone(), name.to_string_lossy().into_owned());
        }
    }
    Ok(Found { inputs: search.inputs, problems: search.problems })
}

impl Search {
    /// Adds a file, unless it is there already.
    fn add(&mut self, path: PathBuf, name: String) {
        let canonical = path.canonicalize().unwrap_or_else(|_| path.clone());
        if self.seen.insert(canonical) {
            self.inputs.push(Input { path, name });
        }
    }

    /// Adds the files with one of the `extensions` in a folder and in those below it, sorted.
    fn folder(&mut self, root: &Path, folder: &Path, extensions: &[&str]) {
        let entries = match sorted_entries(folder) {
            Ok(entries) => entries,
            Err(error) => {
                self.problems.push(format!("{}: {error}", folder.display()));
                return;
            }
        };
        for path in entries {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            // A link to a folder is not followed, because it may lead round in a circle.
            if path.is_dir() && !path.is_symlink() {
                if !name.starts_with('.') && !SKIPPED.contains(&name.as_str()) {
                    self.folder(root, &path, extensions);
                }
            } else if path.is_file() && has_extension(&path, extensions) {
                let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
                self.add(path, name);
            }
        }
    }
}

fn sorted_entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path()));
    let mut paths = entries.collect::<io::Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}

fn has_extension(path: &Path, extensions: &[&str]) -> bool {
    path.extension().is_some_and(|found| extensions.iter().any(|e| found.eq_ignore_ascii_case(e)))
}
