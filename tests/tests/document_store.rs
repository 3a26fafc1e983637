//! The example `document-store`, run as its users run it: one program after the other.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::sync::OnceLock;

use metastore_tests::example::{self, PATIENCE, run, text_of};
use metastore_tests::{Server, wait};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Command;
use tokio::time::timeout;

fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| example::build("document-store", env!("CARGO_TARGET_TMPDIR")))
}

/// A server, and a folder of files to import; the program runs in it.
struct Desk {
    server: Server,
    folder: TempDir,
}

impl Desk {
    async fn new(files: &[(&str, &str)]) -> Self {
        let folder = TempDir::new().expect("makes a folder");
        let desk = Self { server: Server::start().await, folder };
        files.iter().for_each(|(name, text)| desk.write(name, text));
        desk
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.folder.path().join(name);
        fs::create_dir_all(path.parent().expect("is in the folder")).expect("makes a folder");
        fs::write(path, text).expect("writes");
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(program());
        command.current_dir(self.folder.path()).env("REDIS_URL", self.server.url());
        command.args(words).kill_on_drop(true);
        command
    }

    async fn shows(&self, words: &[&str]) -> String {
        let output = run(&mut self.command(words)).await;
        assert_eq!((output.status.code(), text_of(&output.stderr)), (Some(0), ""), "{words:?}");
        text_of(&output.stdout).to_owned()
    }

    async fn json_of(&self, words: &[&str]) -> Value {
        let output = run(self.command(words).arg("--json")).await;
        assert!(output.status.success(), "{words:?}: {}", text_of(&output.stderr));
        serde_json::from_slice(&output.stdout).expect("is JSON")
    }

    async fn refuses(&self, words: &[&str]) -> String {
        let Output { status, stdout, stderr } = run(&mut self.command(words)).await;
        assert_eq!((status.code(), text_of(&stdout)), (Some(1), ""), "{words:?}");
        text_of(&stderr).trim_end().to_owned()
    }
}

/// A file of this many revisions; the text of each is its number, on a line of its own.
fn revisions(count: usize) -> String {
    (1..=count).fold(String::new(), |mut lines, number| {
        let date = format!("2020-01-01T00:00:{:02}Z", number % 60);
        let text = format!("revision\n{number}\n");
        let summary = format!("change {number}");
        let line =
            json!({"revision": format!("r{number}"), "date": date, "summary": summary, "text": text});
        writeln!(lines, "{line}").expect("writes");
        lines
    })
}

fn column<'v>(list: &'v Value, field: &str) -> Vec<&'v Value> {
    list.as_array().expect("is a list").iter().map(|entry| &entry[field]).collect()
}

fn names(page: &Value) -> Vec<&str> {
    let items = page["items"].as_array().expect("is a list");
    items.iter().map(|item| item["data"]["name"].as_str().expect("is text")).collect()
}

#[tokio::test]
async fn importing_again_adds_a_version_only_to_what_has_changed() {
    let desk = Desk::new(&[
        ("notes/a.md", "one two"),
        ("notes/below/b.txt", "three"),
        ("notes/ignored.rs", "fn main() {}"),
    ])
    .await;
    let shown = desk.shows(&["import", "notes"]).await;
    assert_eq!(shown, "2 documents: 2 new, 0 changed, 0 unchanged; 2 versions added, 0 problems\n");
    let shown = desk.shows(&["import", "notes"]).await;
    assert_eq!(shown, "2 documents: 0 new, 0 changed, 2 unchanged; 0 versions added, 0 problems\n");
    desk.write("notes/a.md", "one two three");
    // From wherever it is imported, it is the same document.
    let output =
        run(desk.command(&["import", "."]).current_dir(desk.folder.path().join("notes"))).await;
    assert_eq!(
        text_of(&output.stdout),
        "2 documents: 0 new, 1 changed, 1 unchanged; 1 version added, 0 problems\n"
    );
    let listed = desk.json_of(&["list"]).await;
    let mut listed: Vec<_> =
        names(&listed).into_iter().zip(column(&listed["items"], "version")).collect();
    listed.sort_by_key(|(name, _)| *name);
    assert_eq!(listed, [("notes/a.md", &json!(2)), ("notes/below/b.txt", &json!(1))]);
}

#[tokio::test]
async fn each_revision_is_a_version_and_new_ones_are_added_to_them() {
    let desk = Desk::new(&[("doc.jsonl", &revisions(3))]).await;
    desk.shows(&["--by", "ada", "import", "doc.jsonl"]).await;
    let history = desk.json_of(&["history", "doc.jsonl"]).await;
    let versions = &history["versions"];
    assert_eq!(column(versions, "version"), [3, 2, 1]);
    assert_eq!(column(versions, "revision"), ["r3", "r2", "r1"]);
    assert_eq!(column(versions, "summary"), ["change 3", "change 2", "change 1"]);
    assert_eq!(column(versions, "actor"), ["ada"; 3]);

    desk.write("doc.jsonl", &revisions(5));
    let shown = desk.shows(&["import", "doc.jsonl"]).await;
    assert_eq!(shown, "1 document: 0 new, 1 changed, 0 unchanged; 2 versions added, 0 problems\n");
    assert_eq!(desk.shows(&["show", "doc.jsonl"]).await, "revision\n5\n");
    assert_eq!(desk.shows(&["show", "doc.jsonl", "--version", "2"]).await, "revision\n2\n");
    // By its id, too.
    let id = history["id"].as_str().expect("is text");
    assert_eq!(desk.shows(&["show", id]).await, "revision\n5\n");

    let page = desk.shows(&["history", "doc.jsonl", "--limit", "2"]).await;
    assert!(page.contains("2 versions of doc.jsonl\nmore: --before 4"), "{page}");
    let rest = desk.json_of(&["history", "doc.jsonl", "--before", "4"]).await;
    assert_eq!(column(&rest["versions"], "version"), [3, 2, 1]);
}

#[tokio::test]
async fn the_last_fifty_versions_are_kept_and_the_history_states_it() {
    let desk = Desk::new(&[("long.jsonl", &revisions(57))]).await;
    desk.shows(&["import", "long.jsonl"]).await;
    let history = desk.json_of(&["history", "long.jsonl", "--limit", "100"]).await;
    let versions = column(&history["versions"], "version");
    assert_eq!((versions.len(), versions[0], versions[49]), (50, &json!(57), &json!(8)));
    let shown = desk.shows(&["history", "long.jsonl", "--limit", "100"]).await;
    assert!(
        shown.ends_with(
            "50 versions of long.jsonl; those before 8 are gone: the last 50 versions are kept\n"
        ),
        "{shown}"
    );
    for words in [
        &["show", "long.jsonl", "--version", "7"][..],
        &["diff", "long.jsonl", "7", "57"],
        &["revert", "long.jsonl", "7"],
    ] {
        let error = desk.refuses(words).await;
        let expected = "error: version 7 of long.jsonl is gone: the last 50 versions are kept";
        assert_eq!(error, expected, "{words:?}");
    }
    let error = desk.refuses(&["show", "long.jsonl", "--version", "58"]).await;
    assert_eq!(error, "error: long.jsonl has no version 58; its newest is 57");
}

#[tokio::test]
async fn versions_are_compared_and_an_old_one_is_restored() {
    let desk = Desk::new(&[("doc.jsonl", &revisions(3))]).await;
    desk.shows(&["import", "doc.jsonl"]).await;
    let diff = desk.shows(&["diff", "doc.jsonl", "1", "3"]).await;
    for line in ["--- version 1, ", "+++ version 3, ", "    revision\n  - 1\n  + 3\n"] {
        assert!(diff.contains(line), "{line:?}: {diff}");
    }
    let patch = desk.json_of(&["diff", "doc.jsonl", "1", "3"]).await["patch"].clone();
    let text = json!({"op": "replace", "path": "/text", "value": "revision\n3\n"});
    assert!(patch.as_array().expect("is a list").contains(&text), "{patch}");
    assert_eq!(desk.shows(&["diff", "doc.jsonl", "2", "2"]).await, "no difference\n");

    let shown = desk.shows(&["revert", "doc.jsonl", "1"]).await;
    assert_eq!(shown, "doc.jsonl is as in version 1 again, as version 4\n");
    assert_eq!(desk.shows(&["show", "doc.jsonl"]).await, "revision\n1\n");
    assert_eq!(desk.shows(&["show", "doc.jsonl", "--version", "3"]).await, "revision\n3\n");
    let shown = desk.shows(&["revert", "doc.jsonl", "1"]).await;
    assert_eq!(shown, "doc.jsonl is as in version 1 already\n");
}

#[tokio::test]
async fn a_document_is_shown_as_it_was_at_a_time() {
    let desk = Desk::new(&[("doc.txt", "early")]).await;
    desk.shows(&["import", "doc.txt"]).await;
    let first = desk.json_of(&["history", "doc.txt"]).await["versions"][0]["written_at"].clone();
    desk.write("doc.txt", "late");
    desk.shows(&["import", "doc.txt"]).await;

    let first = metastore::Timestamp::from_millis(first.as_u64().expect("is a time")).to_string();
    assert_eq!(desk.shows(&["show", "doc.txt", "--as-of", &first]).await, "early\n");
    assert_eq!(desk.shows(&["show", "doc.txt", "--as-of", "2999-01-01T00:00:00Z"]).await, "late\n");
    let error = desk.refuses(&["show", "doc.txt", "--as-of", "2001-01-01T01:00:00+01:00"]).await;
    assert!(error.starts_with("error: nothing is left of doc.txt as of 2001-01-01T00:"), "{error}");
    let output = run(&mut desk.command(&["show", "doc.txt", "--as-of", "yesterday"])).await;
    assert_eq!(output.status.code(), Some(2));
}

#[tokio::test]
async fn documents_are_found_by_tag_kind_and_length() {
    let desk = Desk::new(&[
        ("a/one.md", "one"),
        ("a/three.md", "one two three"),
        ("b/two.txt", "one two"),
    ])
    .await;
    desk.shows(&["import", "a", "--tag", "draft", "--tag", "ours"]).await;
    desk.shows(&["import", "b", "--tag", "draft"]).await;
    for (words, expected) in [
        (&["--tag", "draft", "--by-words"][..], &["a/three.md", "b/two.txt", "a/one.md"][..]),
        (&["--tag", "draft", "--tag", "ours", "--by-words"], &["a/three.md", "a/one.md"]),
        (&["--kind", "txt"], &["b/two.txt"]),
        (&["--min-words", "2", "--max-words", "2"], &["b/two.txt"]),
        (&["--kind", "md", "--min-words", "2"], &["a/three.md"]),
        (&["--tag", "none"], &[]),
    ] {
        let found = desk.json_of(&[&["search"], words].concat()).await;
        assert_eq!(names(&found), expected, "{words:?}");
    }
    // A tag that is added later creates a version.
    desk.shows(&["import", "b", "--tag", "new"]).await;
    let found = desk.json_of(&["search", "--tag", "new", "--tag", "draft"]).await;
    assert_eq!((names(&found), &found["items"][0]["version"]), (vec!["b/two.txt"], &json!(2)));
    let stats = desk.json_of(&["stats"]).await;
    assert_eq!(stats["items"], stats["sampled"]);
    assert!(stats["bytes"]["documents"]["value"].as_u64() > Some(0), "{stats}");
    assert!(desk.shows(&["stats"]).await.contains("bytes altogether"));
    let error = desk.refuses(&["stats", "--sample", "0"]).await;
    assert!(error.contains("sample must be from 1 to 10000"), "{error}");
    let output = run(&mut desk.command(&["search"])).await;
    assert_eq!(output.status.code(), Some(2), "a search needs a condition");

    let first = desk.json_of(&["list", "--limit", "2"]).await;
    let next = first["next"].as_str().expect("there is more");
    let second = desk.json_of(&["list", "--limit", "2", "--after", next]).await;
    let mut all = [names(&first), names(&second)].concat();
    all.sort_unstable();
    assert_eq!(all, ["a/one.md", "a/three.md", "b/two.txt"]);
}

#[tokio::test]
async fn errors_are_reported_and_leave_nothing_half_done() {
    let desk = Desk::new(&[
        ("docs/empty.md", " \n"),
        ("docs/good.md", "good"),
        ("broken.jsonl", "{\"text\":\"one\"}\n{\"text\":"),
        ("other/docs/good.md", "another"),
    ])
    .await;
    let error = desk.refuses(&["import", "docs", "/no/such/path"]).await;
    assert!(error.contains("nothing was stored: /no/such/path: "), "{error}");
    let error = desk.refuses(&["import", "docs", "other/docs"]).await;
    assert!(error.contains("two files would be the document docs/good.md"), "{error}");
    assert_eq!(desk.server.dbsize().await, 0);

    let output = run(&mut desk.command(&["import", "docs", "broken.jsonl"])).await;
    let (shown, errors) = (text_of(&output.stdout), text_of(&output.stderr));
    assert!(errors.contains("empty.md: empty"), "{errors}");
    assert!(errors.contains("broken.jsonl: line 2 is not a revision"), "{errors}");
    assert_eq!(shown, "1 document: 1 new, 0 changed, 0 unchanged; 1 version added, 2 problems\n");
    assert_eq!(names(&desk.json_of(&["list"]).await), ["docs/good.md"]);

    let error = desk.refuses(&["show", "a:latest"]).await;
    assert_eq!(error, "error: there is no document a:latest");
    desk.shows(&["remove", "docs/good.md"]).await;
    let error = desk.refuses(&["history", "docs/good.md"]).await;
    assert_eq!(error, "error: there is no document docs/good.md");
}

#[tokio::test]
async fn an_interrupted_import_keeps_what_it_has_stored_and_is_continued() {
    let desk = Desk::new(&[("docs/a.md", "text")]).await;
    // A pipe that nobody writes to blocks it.
    let pipe = desk.folder.path().join("pipe.md");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().expect("mkfifo starts");
    assert!(made.success());
    let mut command = desk.command(&["import", "docs", "pipe.md"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    wait::until("the first document to be stored", PATIENCE, async || {
        desk.server.keys().await.iter().any(|key| key.ends_with(":latest"))
    })
    .await;
    let id = child.id().and_then(|id| Pid::from_raw(id.cast_signed())).expect("it runs");
    kill_process(id, Signal::INT).expect("it runs");
    let output = timeout(PATIENCE, child.wait_with_output()).await.expect("it ends in time");
    let output = output.expect("it is our child");
    assert_eq!((output.status.code(), text_of(&output.stderr)), (Some(130), "stopped\n"));

    let shown = desk.shows(&["import", "docs"]).await;
    assert_eq!(shown, "1 document: 0 new, 0 changed, 1 unchanged; 0 versions added, 0 problems\n");
}

#[tokio::test]
async fn a_folder_keeps_the_documents_from_one_run_to_the_next() {
    let folder = TempDir::new().expect("makes a folder");
    let text = folder.path().join("a.md");
    fs::write(&text, "kept").expect("writes");
    let in_folder = || {
        let mut command = Command::new(program());
        command.env_remove("REDIS_URL").arg("--data").arg(folder.path().join("data"));
        command
    };
    let output = run(in_folder().arg("import").arg(&text)).await;
    assert!(output.status.success(), "{}", text_of(&output.stderr));
    let output = run(in_folder().args(["show", "a.md"])).await;
    assert_eq!(text_of(&output.stdout), "kept\n", "{}", text_of(&output.stderr));
}
