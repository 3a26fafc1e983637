//! The example `textsplitter`, run as its users run it: as a program, with a worker in a second
//! one.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::OnceLock;

use metastore::{Id, Key, KeyKind};
use metastore_tests::example::{self, PATIENCE, run, text_of};
use metastore_tests::{Server, wait};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

const ENGLISH: &str = "# Keys\n\nThe server stores the keys and the values of all its clients. It is \
    not a slow server, and the keys are found at once. Breakfast is another matter. So is tea.\n";
const GERMAN: &str = "Der Server merkt sich die Werte und die Schlüssel aller Kunden. Er ist nicht \
    langsam, und die Schlüssel sind sofort gefunden.\n";

fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| example::build("textsplitter", env!("CARGO_TARGET_TMPDIR")))
}

/// The program with a server of its own, whose process id it leaves in the folder.
fn embedded(folder: &TempDir) -> Command {
    let script = folder.path().join("server.sh");
    let pid_file = folder.path().join("server.pid");
    let chosen = std::env::var("METASTORE_REDIS_SERVER").ok().filter(|named| !named.is_empty());
    let chosen = chosen.unwrap_or_else(|| "redis-server".to_owned());
    let lines = [
        "#!/bin/sh".to_owned(),
        format!("echo $$ >'{}'", pid_file.display()),
        format!("exec \"$(command -v '{chosen}' || command -v valkey-server)\" \"$@\""),
    ];
    fs::write(&script, lines.join("\n")).expect("writes");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(&script, mode).expect("makes it a program");
    let mut command = Command::new(program());
    command.env_remove("REDIS_URL").env("METASTORE_REDIS_SERVER", script).kill_on_drop(true);
    command
}

fn on(server: &Server) -> Command {
    let mut command = Command::new(program());
    command.env("REDIS_URL", server.url()).kill_on_drop(true);
    command
}

/// A run that blocks, because it reads a pipe that nobody writes to.
struct Stuck {
    child: Child,
    worker: Pid,
    _folder: TempDir,
}

impl Stuck {
    async fn start(mut command: Command) -> Self {
        let folder = texts(&[("a.md", ENGLISH)]);
        let pipe = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status().expect("mkfifo starts");
        assert!(made.success());
        command.arg(folder.path()).arg(&pipe).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("it starts");
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let worker = loop {
            let line = timeout(PATIENCE, lines.next_line()).await.expect("it starts in time");
            let line = line.expect("it writes text").expect("it starts a worker");
            if let Some(rest) = line.strip_prefix("worker: process ") {
                break pid_of(rest.split(',').next().unwrap_or_default());
            }
        };
        Self { child, worker, _folder: folder }
    }

    fn pid(&self) -> Pid {
        pid_of(&self.child.id().expect("it runs").to_string())
    }

    /// Waits for the end; returns the exit code and standard error.
    async fn end(&mut self) -> (Option<i32>, String) {
        let mut errors = String::new();
        let mut pipe = self.child.stderr.take().expect("a pipe");
        let end = async {
            pipe.read_to_string(&mut errors).await.expect("it writes text");
            self.child.wait().await.expect("it is our child").code()
        };
        let code = timeout(PATIENCE, end).await.expect("it ends in time");
        (code, errors)
    }
}

fn texts(files: &[(&str, &str)]) -> TempDir {
    let folder = TempDir::new().expect("makes a folder");
    for (name, content) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("is in the folder")).expect("makes a folder");
        fs::write(path, content).expect("writes");
    }
    folder
}

fn pid_of(text: &str) -> Pid {
    let number = text.trim().parse().ok();
    number.and_then(Pid::from_raw).unwrap_or_else(|| panic!("{text:?} is no process id"))
}

fn server_of(folder: &TempDir) -> Pid {
    pid_of(&fs::read_to_string(folder.path().join("server.pid")).expect("the server has started"))
}

fn is_alive(process: Pid) -> bool {
    test_kill_process(process).is_ok()
}

/// The stored texts: the id and the stored JSON of each.
async fn stored(server: &Server) -> Vec<(Id, Value)> {
    let mut stored = Vec::new();
    for key in server.keys().await {
        if let Some(Key { kind: KeyKind::Latest(id), .. }) = Key::parse(&key) {
            let json = server.get_string(&key).await.expect("nobody deletes it");
            stored.push((id, serde_json::from_str(&json).expect("is JSON")));
        }
    }
    stored
}

/// The key grammar, written independently of the library, so that an error there is noticed.
fn keeps_to_the_grammar(key: &str) -> bool {
    let is_id = |id: &str| id.len() == 26 && id.bytes().all(|b| b.is_ascii_alphanumeric());
    match key.split(':').collect::<Vec<_>>()[..] {
        ["idx", "myapp", "textsplitter", "texts"] => true,
        ["stream", "audit", "myapp", "textsplitter", "texts"] => true,
        ["stream", "audit", "myapp", "textsplitter", "texts", id] => is_id(id),
        ["myapp", "textsplitter", "texts", id, ref rest @ ..] if is_id(id) => match rest {
            ["latest"] | ["mutation", "wordcount" | "textsplit"] => true,
            ["transformation", "summarize"] => true,
            ["version", number] => number.parse::<u64>().is_ok_and(|number| number > 0),
            _ => false,
        },
        _ => false,
    }
}

#[tokio::test]
async fn every_text_gets_its_versions_results_and_keys_and_no_others() {
    let server = Server::builder().password("secret7").start().await;
    let revisions =
        "{\"revision\":\"a\",\"text\":\"one\"}\n{\"revision\":\"b\",\"text\":\"two \"}\n";
    let folder = texts(&[
        ("texts/english.md", ENGLISH),
        ("texts/below/german.txt", GERMAN),
        ("texts/below/ignored.rs", "fn main() {}"),
        ("texts/.hidden/ignored.md", ENGLISH),
        ("texts/target/ignored.md", ENGLISH),
        ("history.jsonl", revisions),
    ]);
    let (texts, history) = (folder.path().join("texts"), folder.path().join("history.jsonl"));
    // A file that is named twice is stored once.
    let paths = [&texts, &history, &texts.join("english.md")];
    let output = run(on(&server).args(["--keys", "--audit"]).args(paths)).await;
    let (shown, errors) = (text_of(&output.stdout), text_of(&output.stderr));
    assert_eq!((output.status.code(), errors), (Some(0), ""), "{shown}");
    assert!(shown.contains("from REDIS_URL") && !shown.contains("secret7"), "{shown}");

    let printed: Vec<&str> = shown
        .lines()
        .skip_while(|line| *line != "keys:")
        .filter_map(|line| line.strip_prefix("    "))
        .collect();
    for key in &printed {
        assert!(keeps_to_the_grammar(key), "{key}");
    }
    let in_redis = server.keys().await;
    // Further indexes and the queue are not specific to these texts.
    let of_the_texts = in_redis.iter().map(String::as_str).filter(|key| {
        let is_shared = ["idx:", "queue:", "catalog"].iter().any(|start| key.starts_with(start));
        !is_shared || *key == "idx:myapp:textsplitter:texts"
    });
    assert_eq!(printed.iter().copied().collect::<BTreeSet<_>>(), of_the_texts.collect());

    let mut found = Vec::new();
    for (id, envelope) in stored(&server).await {
        let key = format!("myapp:textsplitter:texts:{id}:transformation:summarize");
        let record = server.cli(&["GET", &key]).await;
        let record: Value = serde_json::from_str(record.as_str()).expect("is JSON");
        let sentences = record["result"]["sentences"].as_array().expect("is a list").len();
        let [name, language] = ["name", "language"].map(|field| envelope["data"][field].clone());
        found.push((name, language, envelope["version"].clone(), sentences));
    }
    found.sort_by_key(|(name, ..)| name.to_string());
    // Each is written once for its language, if that is known, and once without the blank end.
    let expected = [
        ("history.jsonl".into(), Value::Null, 3.into(), 0),
        ("texts/below/german.txt".into(), "de".into(), 3.into(), 2),
        ("texts/english.md".into(), "en".into(), 3.into(), 3),
    ];
    assert_eq!(found, expected);
}

#[tokio::test]
async fn a_second_run_adds_further_items() {
    let server = Server::start().await;
    let folder = texts(&[("a.md", ENGLISH)]);
    for texts in 1..=2 {
        let output = run(on(&server).arg("--json").arg(folder.path())).await;
        assert!(output.status.success(), "{}", text_of(&output.stderr));
        let results: Value = serde_json::from_slice(&output.stdout).expect("is JSON");
        assert_eq!(results["texts"][0]["summary"]["keywords"][0], "keys");
        assert_eq!(stored(&server).await.len(), texts);
    }
}

#[tokio::test]
async fn without_a_server_it_starts_its_own_and_leaves_nothing_behind() {
    let (folder, files) = (texts(&[]), texts(&[("a.md", ENGLISH)]));
    let output = run(embedded(&folder).arg("--audit").arg(files.path())).await;
    let shown = text_of(&output.stdout);
    assert!(output.status.success(), "{shown}{}", text_of(&output.stderr));
    assert!(shown.contains("started for this run"), "{shown}");
    assert!(shown.contains("1 text, 3 versions") && shown.contains("1 summary"), "{shown}");
    assert!(!is_alive(server_of(&folder)));
}

#[tokio::test]
async fn a_path_that_does_not_exist_is_an_error_and_nothing_is_stored() {
    let server = Server::start().await;
    let folder = texts(&[("a.md", ENGLISH)]);
    let output = run(on(&server).arg(folder.path()).arg("/no/such/path")).await;
    let errors = text_of(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(errors.contains("nothing was stored: /no/such/path: "), "{errors}");
    assert_eq!(server.keys().await, Vec::<String>::new());
}

#[tokio::test]
async fn bad_files_are_reported_and_the_others_are_processed() {
    let server = Server::start().await;
    let folder = texts(&[
        ("empty.md", " \n"),
        ("broken.jsonl", "{\"text\":\"one\"}\n{\"text\":"),
        ("good.md", ENGLISH),
    ]);
    let latin = folder.path().join("latin.md");
    fs::write(&latin, b"caf\xe9").expect("writes");
    let broken = folder.path().join("broken.jsonl");
    let output = run(on(&server).arg(folder.path()).arg(&broken)).await;
    let (shown, errors) = (text_of(&output.stdout), text_of(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{errors}");
    for problem in ["empty.md: empty", "latin.md: not UTF-8", "broken.jsonl: line 2 is not"] {
        assert!(errors.contains(problem), "{problem}: {errors}");
    }
    assert!(shown.contains("1 text,") && shown.contains("3 problems"), "{shown}");
    assert_eq!(stored(&server).await.len(), 1);

    let output = run(on(&server).arg(&latin)).await;
    assert_eq!(output.status.code(), Some(1), "nothing could be stored");
}

#[tokio::test]
async fn an_interrupted_run_ends_with_its_worker_and_its_server() {
    for signal in [Signal::INT, Signal::TERM] {
        let folder = texts(&[]);
        let mut stuck = Stuck::start(embedded(&folder)).await;
        let server = server_of(&folder);
        assert!(is_alive(server) && is_alive(stuck.worker));
        kill_process(stuck.pid(), signal).expect("it runs");
        assert_eq!(stuck.end().await, (Some(130), "stopped\n".to_owned()));
        assert!(!is_alive(stuck.worker) && !is_alive(server));
    }
}

#[tokio::test]
async fn the_end_of_the_worker_is_noticed() {
    let server = Server::start().await;
    let mut stuck = Stuck::start(on(&server)).await;
    kill_process(stuck.worker, Signal::KILL).expect("it runs");
    let (code, errors) = stuck.end().await;
    assert_eq!(code, Some(1));
    assert!(errors.contains("the worker process ended early (signal: 9"), "{errors}");
}

#[tokio::test]
async fn the_worker_ends_when_the_main_process_is_killed() {
    let server = Server::start().await;
    let mut stuck = Stuck::start(on(&server)).await;
    // Waits until the worker has subscribed, so that it certainly runs.
    let channel = "queue:myapp:textsplitter:texts:summarize:wake";
    wait::until("the worker to listen", PATIENCE, async || server.listeners(channel).await == 1)
        .await;
    stuck.child.kill().await.expect("it runs");
    // Its end is detected by its connections; its process id may remain, depending on who reaps
    // orphans.
    wait::until("the worker to be gone", PATIENCE, async || {
        server.info_field("connected_clients").await == "1"
    })
    .await;
}
