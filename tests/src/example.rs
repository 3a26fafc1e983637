//! The examples, run as their users run them: as programs.

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use serde_json::Value;
use tokio::process::Command;
use tokio::time::timeout;

/// The time limit of a run that normally takes a second.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Builds an example and returns its path. `temporary` is `env!("CARGO_TARGET_TMPDIR")`.
///
/// Cargo neither builds the programs of another package for a test nor passes their paths, so the
/// test builds it into the folder that the test itself was built into.
#[must_use]
pub fn build(name: &str, temporary: &str) -> PathBuf {
    let target = Path::new(temporary).parent();
    // The whole workspace is selected because its features decide what has to be built again.
    let build = std::process::Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--workspace", "--bin", name])
        .args(["--message-format", "json", "--target-dir"])
        .arg(target.expect("the folder for temporary files is in the target folder"))
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .stderr(Stdio::inherit())
        .output()
        .expect("cargo starts");
    assert!(build.status.success(), "the example should compile");
    text_of(&build.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message["target"]["name"] == name)
        .find_map(|message| Some(PathBuf::from(message["executable"].as_str()?)))
        .expect("cargo tells where the program is")
}

/// Runs a program to completion.
pub async fn run(command: &mut Command) -> Output {
    timeout(PATIENCE, command.output()).await.expect("it ends in time").expect("it starts")
}

/// The output of a program.
#[must_use]
pub fn text_of(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("it writes text")
}
