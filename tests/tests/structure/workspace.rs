//! The files and the compilation targets of the workspace.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// The directory of the workspace.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests are a member of a workspace")
}

/// A library, a program or a test binary.
pub(crate) struct Target {
    /// The name under which its own code can refer to it.
    pub(crate) name: String,
    /// The file of its root module.
    pub(crate) root: PathBuf,
}

/// The targets of all packages.
pub(crate) fn targets() -> Vec<Target> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(root())
        .output()
        .expect("cargo starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo writes JSON");
    let packages = metadata["packages"].as_array().expect("a list of packages");
    let targets = packages.iter().flat_map(|package| package["targets"].as_array());
    targets
        .flatten()
        .map(|target| Target {
            name: target["name"].as_str().expect("has a name").replace('-', "_"),
            root: target["src_path"].as_str().expect("has a path").into(),
        })
        .collect()
}

/// A file with its path relative to the workspace.
pub(crate) struct File {
    pub(crate) path: String,
    pub(crate) text: String,
}

/// The files below a directory whose names end in one of these extensions, by path.
pub(crate) fn files(directory: &str, extensions: &[&str]) -> Vec<File> {
    let mut files = Vec::new();
    collect(&root().join(directory), extensions, &mut files);
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

fn collect(directory: &Path, extensions: &[&str], files: &mut Vec<File>) {
    for entry in fs::read_dir(directory).expect("the directory is readable") {
        let path = entry.expect("the directory is readable").path();
        let name = path.file_name().and_then(|name| name.to_str()).expect("the name is text");
        if name.starts_with('.') || name == "target" {
            continue;
        }
        if path.is_dir() {
            collect(&path, extensions, files);
        } else if path.extension().is_some_and(|found| extensions.iter().any(|one| found == *one)) {
            let text = fs::read_to_string(&path).expect("the file is text");
            files.push(File { path: relative(&path), text });
        }
    }
}

/// A path as reports show it: relative to the workspace.
pub(crate) fn relative(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}
