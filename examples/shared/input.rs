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
pub struct Input {
    /// Where it is.
    pub path: PathBuf,
    /// The name of a file that was named itself, or the path in the folder that was named, as
    /// [`Naming`] says.
    pub name: String,
}

/// What the files of a folder are called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Naming {
    /// By their path in the folder.
    InFolder,
    /// By the name of the folder and the path in it.
    WithFolder,
}

/// The files, and what is wrong with those folders that could not be searched.
#[derive(Debug)]
pub struct Found {
    /// The files.
    pub inputs: Vec<Input>,
    /// What is wrong.
    pub problems: Vec<String>,
}

#[derive(Default)]
struct Search {
    inputs: Vec<Input>,
    problems: Vec<String>,
    /// The files that are there already; one may be named twice, and by several paths.
    seen: HashSet<PathBuf>,
}

/// Finds the files that the paths name: of folders, those with text in them, and in the folders
/// below.
///
/// A folder further down that cannot be read is only a problem.
///
/// # Errors
///
/// If a path does not exist, since a slip of the pen should not store half of what was meant.
pub fn find(paths: &[PathBuf], naming: Naming) -> anyhow::Result<Found> {
    let wrong: Vec<String> = paths
        .iter()
        .filter_map(|path| {
            fs::metadata(path).err().map(|error| format!("{}: {error}", path.display()))
        })
        .collect();
    if !wrong.is_empty() {
        bail!("nothing was stored: {}", wrong.join("; "));
    }
    let mut search = Search::default();
    for path in paths {
        if path.is_dir() {
            // Only so does `.` have a name.
            let path = if path.file_name().is_none() { &path.canonicalize()? } else { path };
            let root = path.parent().filter(|_| naming == Naming::WithFolder).unwrap_or(path);
            search.folder(root, path, &TEXT_FILES);
        } else {
            let name = path.file_name().unwrap_or(path.as_os_str());
            search.add(path.clone(), name.to_string_lossy().into_owned());
        }
    }
    Ok(search.found())
}

/// Finds the Markdown files of a folder and of those below it.
#[must_use]
pub fn markdown_of(folder: &Path) -> Found {
    let mut search = Search::default();
    search.folder(folder, folder, &TEXT_FILES[..2]);
    search.found()
}

impl Search {
    fn found(self) -> Found {
        Found { inputs: self.inputs, problems: self.problems }
    }

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
