//! The embedded server: private, persistent on request, and stopped with its process.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use metastore::{Collection, ErrorKind, Store};
use metastore_tests::wait;
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use tokio::io::{AsyncBufReadExt, AsyncReadExt as _, AsyncWriteExt as _, BufReader};

use crate::fixture::{MyRepo, SOON, Text, text};

#[tokio::test]
async fn an_embedded_server_ends_with_its_process_even_when_that_is_killed() {
    let mut child = tokio::process::Command::new(env!("CARGO_BIN_EXE_test-worker"))
        .args(["embedded", "1000", "1000", "0", "0"])
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut says = BufReader::new(child.stdout.take().unwrap()).lines();
    let url = says.next_line().await.unwrap().unwrap();
    let guest = Store::connect(&url).await.unwrap();
    let texts = guest.repo::<Text>();
    let item = texts.create(text("one")).await.unwrap();
    child.kill().await.unwrap();
    let folder = socket(&guest).parent().unwrap().to_owned();
    wait::until("the folder to go", SOON, async || !folder.exists()).await;
    assert!(tokio::time::timeout(SOON, texts.get(&item.id)).await.unwrap().is_err());
}

/// The socket file of an embedded server's URL.
fn socket(store: &Store) -> PathBuf {
    store.url().strip_prefix("redis+unix://").expect("a socket").into()
}

#[tokio::test]
async fn an_embedded_server_is_private_and_ends_with_its_last_store() {
    let one = Store::embedded().await.unwrap();
    let two = Store::embedded().await.unwrap();
    assert_ne!(one.url(), two.url());
    let (texts, others) = (MyRepo::with_store(&one).texts, MyRepo::with_store(&two).texts);
    texts.create(text("mine")).await.unwrap();
    assert_eq!((texts.count().await.unwrap(), others.count().await.unwrap()), (1, 0));
    // Another process could use it by its URL.
    let guest = Store::connect(one.url()).await.unwrap();
    assert_eq!(MyRepo::with_store(&guest).texts.count().await.unwrap(), 1);

    let folder = socket(&one).parent().unwrap().to_owned();
    assert!(folder.exists());
    drop(one);
    assert!(texts.count().await.is_ok());
    drop(texts);
    wait::until("the folder to go", SOON, async || !folder.exists()).await;
}

#[tokio::test]
async fn an_embedded_server_keeps_its_data_in_the_given_folder() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::embedded_at(folder.path()).await.unwrap();
    let repo = MyRepo::with_store(&store);
    let item = repo.texts.create(text("kept")).await.unwrap();
    repo.texts.update(&item, Text::patch().content("still kept")).await.unwrap();

    let error = Store::embedded_at(folder.path()).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Embedded(_)), "{error:?}");
    assert!(error.to_string().contains("another"), "{error}");
    drop((store, repo));

    let mut again = None;
    wait::until("the folder to be free", SOON, async || {
        again = Store::embedded_at(folder.path()).await.ok();
        again.is_some()
    })
    .await;
    let repo = MyRepo::with_store(&again.unwrap());
    let stored = repo.texts.get(&item.id).await.unwrap().unwrap();
    assert_eq!((stored.version, stored.data.content.as_str()), (2, "still kept"));
}

/// The process id of an embedded server, as it reports it.
async fn server_process(store: &Store) -> Pid {
    let mut stream = tokio::net::UnixStream::connect(socket(store)).await.unwrap();
    stream.write_all(b"INFO server\r\nQUIT\r\n").await.unwrap();
    let mut info = String::new();
    stream.read_to_string(&mut info).await.unwrap();
    let id = info.lines().find_map(|line| line.strip_prefix("process_id:")).unwrap();
    Pid::from_raw(id.parse().unwrap()).unwrap()
}

fn is_alive(process: Pid) -> bool {
    // A zombie process has ended.
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", process.as_raw_nonzero()));
    test_kill_process(process).is_ok() && stat.is_ok_and(|stat| !stat.contains(") Z "))
}

/// The watcher processes of an embedded server.
fn watchers(server: Pid) -> Vec<Pid> {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let is_child = |stat: &str| {
        let rest = stat.rsplit_once(") ").map_or("", |(_, rest)| rest);
        rest.split(' ').nth(1) == Some(&server.as_raw_nonzero().to_string())
    };
    processes
        .filter(|entry| {
            std::fs::read_to_string(entry.path().join("stat")).is_ok_and(|stat| is_child(&stat))
        })
        .filter_map(|entry| Pid::from_raw(entry.file_name().to_str()?.parse().ok()?))
        .collect()
}

#[tokio::test]
async fn killing_what_watches_over_an_embedded_server_leaves_no_server_behind() {
    for killed in [1, 2] {
        let store = Store::embedded().await.unwrap();
        let (server, folder) = (server_process(&store).await, socket(&store));
        let watchers = watchers(server);
        assert_eq!(watchers.len(), 2);
        for watcher in &watchers[..killed] {
            kill_process(*watcher, Signal::KILL).unwrap();
        }
        // The program is not affected.
        store.repo::<Text>().create(text("one")).await.unwrap();
        drop(store);
        wait::until("the server and its folder to go", SOON, async || {
            !is_alive(server) && !folder.parent().unwrap().exists()
        })
        .await;
    }
}

/// A program with an embedded server in a temporary folder of its own.
fn program(temp: &Path) -> tokio::process::Command {
    let mut program = tokio::process::Command::new(env!("CARGO_BIN_EXE_test-worker"));
    program
        .args(["embedded", "1000", "1000", "0", "0"])
        .env("TMPDIR", temp)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    program
}

fn is_empty(folder: &Path) -> bool {
    std::fs::read_dir(folder).unwrap().next().is_none()
}

#[tokio::test]
async fn a_program_killed_together_with_one_watcher_leaves_nothing_behind() {
    let temp = tempfile::tempdir().unwrap();
    let mut child = program(temp.path()).spawn().unwrap();
    let mut says = BufReader::new(child.stdout.take().unwrap()).lines();
    let url = says.next_line().await.unwrap().unwrap();
    let server = server_process(&Store::connect(&url).await.unwrap()).await;
    kill_process(watchers(server)[0], Signal::KILL).unwrap();
    child.kill().await.unwrap();
    wait::until("all to be gone", SOON, async || !is_alive(server) && is_empty(temp.path())).await;
}

#[tokio::test]
async fn a_server_that_dies_at_its_start_is_noticed_at_once_and_leaves_nothing_behind() {
    // A program that prints a message and exits.
    let temp = tempfile::tempdir().unwrap();
    let place = tempfile::tempdir().unwrap();
    let server = place.path().join("redis-server");
    std::fs::write(&server, "#!/bin/sh\necho first\necho no luck today\nexit 1\n").unwrap();
    std::fs::set_permissions(&server, std::fs::Permissions::from_mode(0o755)).unwrap();
    let began = Instant::now();
    let mut program = program(temp.path());
    program.env("METASTORE_REDIS_SERVER", &server);
    let output = tokio::time::timeout(SOON, program.output()).await.expect("in time").unwrap();
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    assert!(!output.status.success());
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(
        told.contains("the server ended at once; the last line of its log: no luck today"),
        "{told}"
    );
    wait::until("the folder to go", SOON, async || is_empty(temp.path())).await;
}

#[tokio::test]
async fn kept_data_that_a_server_cannot_read_is_an_error_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("appendonlydir");
    std::fs::create_dir(&log).unwrap();
    std::fs::write(log.join("appendonly.aof.manifest"), "nonsense\n").unwrap();
    let began = Instant::now();
    let error = Store::embedded_at(folder.path()).await.unwrap_err();
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    assert!(matches!(error.kind(), ErrorKind::Embedded(_)), "{error:?}");
    assert!(error.to_string().contains("the last line of its log"), "{error}");
}

/// Everything in a folder, and the folder itself.
fn tree(folder: &Path) -> Vec<PathBuf> {
    let mut found = vec![folder.to_owned()];
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        match entry.file_type().unwrap().is_dir() {
            true => found.extend(tree(&entry.path())),
            false => found.push(entry.path()),
        }
    }
    found
}

#[tokio::test]
async fn kept_data_is_private() {
    let place = tempfile::tempdir().unwrap();
    let made = place.path().join("data/of/mine");
    let there = place.path().join("there");
    std::fs::create_dir(&there).unwrap();
    std::fs::set_permissions(&there, std::fs::Permissions::from_mode(0o755)).unwrap();
    for folder in [&made, &there] {
        let store = Store::embedded_at(folder).await.unwrap();
        store.repo::<Text>().create(text("secret")).await.unwrap();
        let socket = socket(&store);
        let found = [tree(folder), tree(socket.parent().unwrap())].concat();
        assert!(found.iter().any(|path| path.to_string_lossy().contains(".aof")), "{found:?}");
        for path in found.iter().filter(|path| **path != there) {
            let mode = std::fs::metadata(path).unwrap().permissions().mode();
            assert_eq!(mode & 0o077, 0, "{}: {mode:o}", path.display());
        }
    }
    // An existing folder is left unchanged.
    assert_eq!(std::fs::metadata(&there).unwrap().permissions().mode() & 0o777, 0o755);
}
