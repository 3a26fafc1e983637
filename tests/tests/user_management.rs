//! The example `user-management`, run as its users run it: one program after the other.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use metastore_tests::example::{self, run, text_of};
use metastore_tests::{Server, wait};
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;

fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| example::build("user-management", env!("CARGO_TARGET_TMPDIR")))
}

/// The service on a server.
struct Service(Server);

impl Service {
    async fn start() -> Self {
        Self(Server::start().await)
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(program());
        command.env("REDIS_URL", self.0.url()).args(words).kill_on_drop(true);
        command
    }

    /// The output of a command that succeeds.
    async fn does(&self, words: &[&str]) -> Value {
        let output = run(self.command(words).arg("--json")).await;
        assert!(output.status.success(), "{words:?}: {}", text_of(&output.stderr));
        serde_json::from_slice(&output.stdout).expect("is JSON")
    }

    /// The output of a command that fails.
    async fn refuses(&self, words: &[&str]) -> String {
        let output = run(&mut self.command(words)).await;
        assert_eq!((output.status.code(), text_of(&output.stdout)), (Some(1), ""), "{words:?}");
        text_of(&output.stderr).trim_end().to_owned()
    }

    async fn register(&self, name: &str, email: &str) -> Value {
        self.does(&["register", name, email]).await
    }

    async fn login(&self, email: &str) -> String {
        let session = self.does(&["login", email]).await;
        session["session"].as_str().expect("is text").to_owned()
    }

    async fn milliseconds_left(&self, key: &str) -> i64 {
        self.0.cli(&["PTTL", key]).await.as_int()
    }

    /// Waits until only this much of an item's time to live is left.
    async fn leave(&self, key: &str, milliseconds: &str) {
        assert_eq!(self.0.cli(&["PEXPIRE", key, milliseconds]).await.as_int(), 1, "{key} is there");
    }
}

fn key_of(session: &str) -> String {
    format!("myapp:accounts:sessions:{session}:latest")
}

#[tokio::test]
async fn the_story_is_played_on_a_server_of_its_own() {
    let output = run(Command::new(program()).env_remove("REDIS_URL").arg("demo")).await;
    let shown = text_of(&output.stdout);
    assert!(output.status.success(), "{shown}{}", text_of(&output.stderr));
    for part in [
        "$ register \"Another Ada\" ADA@example.com\nerror: this email is taken: choose another `email`",
        "error: `email`: this is no e-mail address; `name`: a name has 1 to 80 characters",
        "removed Ada Lovelace with 2 notes and 1 session",
        "Everything went as it should.",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
}

#[tokio::test]
async fn one_of_many_who_register_at_once_gets_the_address() {
    let service = Service::start().await;
    let registrations = (0..6).map(|number| {
        let mut command =
            service.command(&["register", &format!("Ada {number}"), "Ada@example.com"]);
        async move { run(&mut command).await }
    });
    let outputs = futures_util::future::join_all(registrations).await;
    let errors: Vec<_> = outputs
        .iter()
        .filter(|output| !output.status.success())
        .map(|output| text_of(&output.stderr))
        .collect();
    assert_eq!(errors, ["error: this email is taken: choose another `email`\n"; 5]);

    let users = service.does(&["users"]).await;
    assert_eq!(users["items"].as_array().map(Vec::len), Some(1));
    assert_eq!(users["items"][0]["data"]["email"], "ada@example.com");
}

#[tokio::test]
async fn each_use_of_a_session_renews_its_full_time_to_live() {
    let service = Service::start().await;
    service.register("Ada", "ada@example.com").await;
    let session = service.login("ada@example.com").await;
    let key = key_of(&session);
    let half_an_hour = 30 * 60 * 1_000;
    let left = service.milliseconds_left(&key).await;
    assert!((half_an_hour - 60_000..=half_an_hour).contains(&left), "{left}");

    service.leave(&key, "60000").await;
    let who = service.does(&["whoami", &session]).await;
    assert_eq!(who["user"]["data"]["name"], "Ada");
    assert_eq!(who["session"]["data"]["uses"], 1);
    let left = service.milliseconds_left(&key).await;
    assert!((half_an_hour - 60_000..=half_an_hour).contains(&left), "{left}");
    let versions = service.0.keys().await;
    assert!(
        !versions.iter().any(|key| key.contains(":version:")),
        "no version for each use: {versions:?}"
    );

    service.leave(&key, "1").await;
    wait::until("the session to expire", example::PATIENCE, async || {
        service.milliseconds_left(&key).await == -2
    })
    .await;
    let error = service.refuses(&["whoami", &session]).await;
    assert!(error.starts_with("error: there is no such session"), "{error}");
    assert_eq!(service.does(&["sessions", "ada@example.com"]).await, Value::Array(Vec::new()));
}

#[tokio::test]
async fn a_session_is_ended_by_its_user_or_by_newer_ones() {
    let service = Service::start().await;
    service.register("Ada", "ada@example.com").await;
    service.does(&["config", "set", "sessions_per_user", "2"]).await;
    let mut sessions = Vec::new();
    for _ in 0..3 {
        sessions.push(service.login("ada@example.com").await);
    }
    service.refuses(&["whoami", &sessions[0]]).await;
    let listed = service.does(&["sessions", "ada@example.com"]).await;
    let listed: Vec<_> = listed.as_array().expect("a list").iter().map(|s| &s["id"]).collect();
    assert_eq!(listed, [&sessions[2], &sessions[1]]);

    service.does(&["logout", &sessions[2]]).await;
    service.refuses(&["whoami", &sessions[2]]).await;
    service.does(&["whoami", &sessions[1]]).await;
    for hostile in ["a:latest", "", "*", "../etc"] {
        let error = service.refuses(&["whoami", hostile]).await;
        assert!(error.starts_with("error: there is no such session"), "{error}");
    }
}

#[tokio::test]
async fn settings_are_the_users_own_and_stay() {
    let service = Service::start().await;
    let ada = service.register("Ada", "ada@example.com").await;
    service.register("Bob", "bob@example.com").await;
    let (adas, bobs) =
        (service.login("ada@example.com").await, service.login("bob@example.com").await);
    service.does(&["settings", "set", &adas, "theme", "dark"]).await;
    assert_eq!(service.does(&["settings", "get", &adas]).await["theme"], "dark");
    assert_eq!(service.does(&["settings", "get", &bobs]).await["theme"], "light");
    let key = format!("myapp:accounts:settings:{}:latest", ada["id"].as_str().expect("is text"));
    assert_eq!(service.milliseconds_left(&key).await, -1, "has no time to live");

    for (field, value, expected) in [
        ("theme", "pink", "error: `theme`: unknown variant"),
        ("colour", "red", "error: there is no `colour`; there are "),
        ("notes_per_page", "0", "error: `notes_per_page`: a page has 1 to 1000 notes"),
    ] {
        let error = service.refuses(&["settings", "set", &adas, field, value]).await;
        assert!(error.starts_with(expected), "{error}");
    }
}

#[tokio::test]
async fn the_configuration_is_kept_and_holds_for_all() {
    let service = Service::start().await;
    service.does(&["config", "set", "registration_open", "false"]).await;
    assert_eq!(service.milliseconds_left("myapp:accounts:config:accounts:latest").await, -1);
    let error = service.refuses(&["register", "Ada", "ada@example.com"]).await;
    assert_eq!(error, "error: registration is closed");
    service.does(&["config", "set", "registration_open", "true"]).await;
    service.register("Ada", "ada@example.com").await;
}

#[tokio::test]
async fn notes_are_listed_by_their_owner_page_by_page_and_removed_with_them() {
    let service = Service::start().await;
    service.register("Ada", "ada@example.com").await;
    service.register("Bob", "bob@example.com").await;
    let (adas, bobs) =
        (service.login("ada@example.com").await, service.login("bob@example.com").await);
    for note in ["one", "two", "three"] {
        service.does(&["notes", "add", &adas, note]).await;
    }
    service.does(&["notes", "add", &bobs, "four"]).await;
    service.does(&["settings", "set", &adas, "notes_per_page", "2"]).await;

    let texts = |page: &Value| -> Vec<String> {
        let items = page["items"].as_array().expect("a list");
        items.iter().map(|note| note["data"]["text"].as_str().unwrap_or("?").to_owned()).collect()
    };
    let first = service.does(&["notes", "list", &adas]).await;
    assert_eq!(texts(&first), ["three", "two"]);
    let next = first["next"].as_str().expect("there is more");
    let second = service.does(&["notes", "list", &adas, "--after", next]).await;
    assert_eq!((texts(&second), &second["next"]), (vec!["one".to_owned()], &Value::Null));
    // A cursor of one user is refused for another.
    let error = service.refuses(&["notes", "list", &bobs, "--after", next]).await;
    assert!(error.contains("the cursor is not one of this query"), "{error}");

    service.does(&["remove", &adas]).await;
    service.refuses(&["login", "ada@example.com"]).await;
    assert_eq!(texts(&service.does(&["notes", "list", &bobs]).await), ["four"]);
    let notes = service.0.keys().await.into_iter().filter(|key| key.contains(":notes:"));
    assert_eq!(notes.filter(|key| key.ends_with(":latest")).count(), 1);
    // The address is free again.
    service.register("Another Ada", "ada@example.com").await;
}

#[tokio::test]
async fn a_profile_changes_only_the_named_fields_and_takes_no_address_of_others() {
    let service = Service::start().await;
    service.register("Ada", "ada@example.com").await;
    service.register("Bob", "bob@example.com").await;
    let session = service.login("ada@example.com").await;
    let error = service.refuses(&["profile", &session, "--email", "bob@example.com"]).await;
    assert_eq!(error, "error: this email is taken: choose another `email`");
    let user = service.does(&["profile", &session, "--email", "lovelace@example.com"]).await;
    assert_eq!((&user["version"], &user["data"]["name"]), (&2.into(), &"Ada".into()));
    assert_eq!(user["actor"], user["id"], "each version names its actor");
    service.refuses(&["login", "ada@example.com"]).await;
    service.login("lovelace@example.com").await;
}

#[tokio::test]
async fn a_folder_keeps_the_data_from_one_run_to_the_next() {
    let folder = TempDir::new().expect("makes a folder");
    let in_folder = |words: &[&str]| {
        let mut command = Command::new(program());
        command.env_remove("REDIS_URL").arg("--data").arg(folder.path()).args(words);
        command
    };
    let output = run(&mut in_folder(&["register", "Ada", "ada@example.com"])).await;
    assert!(output.status.success(), "{}", text_of(&output.stderr));
    let output = run(&mut in_folder(&["users"])).await;
    assert!(text_of(&output.stdout).contains("ada@example.com"), "{}", text_of(&output.stdout));

    let output = run(Command::new(program()).env_remove("REDIS_URL").arg("users")).await;
    assert_eq!(output.status.code(), Some(1));
    assert!(text_of(&output.stderr).contains("--data"), "{}", text_of(&output.stderr));
}
