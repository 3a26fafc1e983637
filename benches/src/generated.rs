//! Two crates with the same structs: one with collections, one without metastore.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use tokio::fs;
use tokio::process::Command;

/// Eight fields, as in a typical collection.
const FIELDS: &str = "\
    #[validate(length(min = 1, max = 200))]
    pub title: String,
    #[validate(length(min = 1, max = 100))]
    pub author: String,
    pub language: Option<String>,
    #[validate(length(max = 16))]
    pub tags: Vec<String>,
    #[validate(range(max = 1_000_000_000))]
    pub views: u64,
    pub rating: f64,
    pub published: bool,
    #[validate(length(min = 1, max = 100_000))]
    pub content: String,
";

/// A workspace of two crates that are checked again and again.
pub(crate) struct Generated {
    pub(crate) directory: PathBuf,
}

impl Generated {
    /// Writes both crates and checks their dependencies.
    pub(crate) async fn write(directory: &Path, structs: usize) -> Result<Self> {
        let directory = directory.join("check");
        let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let repository = fs::canonicalize(repository).await?;
        let member = |dependencies: &str, name: &str| {
            format!(
                "[package]\nname = \"{name}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n\
                 [dependencies]\nserde.workspace = true\nvalidator.workspace = true\n{dependencies}"
            )
        };
        let workspace = format!(
            "[workspace]\nresolver = \"3\"\nmembers = [\"collections\", \"structs\"]\n\n\
             [workspace.dependencies]\nmetastore.path = {:?}\n\
             serde = {{ version = \"1\", features = [\"derive\"] }}\n\
             validator = {{ version = \"0.21\", features = [\"derive\"] }}\n",
            repository.join("metastore")
        );
        // The versions in the repository's lock file.
        fs::create_dir_all(&directory).await?;
        fs::copy(repository.join("Cargo.lock"), directory.join("Cargo.lock")).await?;
        let ours = member("metastore.workspace = true\n", "collections");
        for (file, text) in [
            ("Cargo.toml", workspace),
            ("collections/Cargo.toml", ours),
            ("collections/src/lib.rs", collections(structs)),
            ("structs/Cargo.toml", member("", "structs")),
            ("structs/src/lib.rs", plain(structs)),
        ] {
            let path = directory.join(file);
            fs::create_dir_all(path.parent().context("a file is in a directory")?).await?;
            fs::write(path, text).await?;
        }
        let generated = Self { directory };
        generated.check("collections").await?;
        generated.check("structs").await?;
        Ok(generated)
    }

    /// Runs `cargo check` on one of the crates.
    pub(crate) async fn check(&self, name: &str) -> Result<()> {
        let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .args(["check", "--quiet", "--package", name, "--target-dir"])
            .arg(self.directory.join("target"))
            .current_dir(&self.directory)
            // No check reuses results of an earlier one.
            .env("CARGO_INCREMENTAL", "0")
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await
            .context("`cargo` does not start")?;
        let errors = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "cargo check of {name} fails:\n{errors}");
        Ok(())
    }
}

fn collections(count: usize) -> String {
    let mut source = "//! Collections.\n\nuse metastore::Collection;\nuse serde::{Deserialize, Serialize};\nuse validator::Validate;\n".to_owned();
    for number in 0..count {
        let _ = write!(
            source,
            "
#[derive(Clone, Debug, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = \"bench\", app = \"check\", name = \"articles{number}\", object_type = texts)]
#[mutation(words -> usize)]
#[mutation(initials -> String)]
#[mutation(doubled -> u64)]
#[transformation(digest -> String)]
#[transformation(translate -> Vec<String>, timeout = \"30s\", retries = 3)]
pub struct Article{number} {{
{FIELDS}}}

impl Article{number} {{
    pub fn words(&self) -> usize {{
        self.content.split_whitespace().count()
    }}

    pub fn initials(&self) -> String {{
        self.author.chars().filter(|c| c.is_uppercase()).collect()
    }}

    pub fn doubled(&self) -> u64 {{
        self.views * 2
    }}
}}
"
        );
    }
    source
}

fn plain(count: usize) -> String {
    let mut source =
        "//! Structs.\n\nuse serde::{Deserialize, Serialize};\nuse validator::Validate;\n"
            .to_owned();
    for number in 0..count {
        let _ = write!(
            source,
            "
#[derive(Clone, Debug, Serialize, Deserialize, Validate)]
pub struct Article{number} {{
{FIELDS}}}
"
        );
    }
    source
}
