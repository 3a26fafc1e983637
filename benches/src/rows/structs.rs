//! The cost of the derive at compile time: `cargo check` of a crate that contains only collections,
//! compared with the same structs with the derives of serde and validator only. Dependencies are
//! checked beforehand and do not count.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use tokio::fs;
use tokio::process::Command;

use crate::bench::Bench;
use crate::cli::Settings;
use crate::side::Side;

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
    directory: PathBuf,
}

impl Generated {
    /// Writes both crates and checks their dependencies.
    async fn write(directory: &Path, structs: usize) -> Result<Self> {
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

    async fn check(&self, name: &str) -> Result<()> {
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

pub(crate) async fn run(bench: &Bench, side: Side, settings: &Settings) -> Result<f64> {
    let write = || Generated::write(bench.directory(), settings.structs);
    let generated = bench.generated.get_or_try_init(write).await?;
    let name = match side {
        Side::Metastore => "collections",
        Side::Structs => "structs",
        _ => bail!("takes no part in this row"),
    };
    // cargo checks again what is newer than its last check.
    let source = generated.directory.join(name).join("src/lib.rs");
    let text = fs::read(&source).await?;
    fs::write(&source, text).await?;
    let start = Instant::now();
    generated.check(name).await?;
    Ok(start.elapsed().as_secs_f64())
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
