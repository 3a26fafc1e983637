//! A story that uses all commands, on a server of its own.

use anyhow::{bail, ensure};
use clap::Parser;
use metastore::Store;
use metastore_examples::shown::{Shown, print};
use serde_json::{Value, json};

use crate::args::Args;
use crate::obey::obey;
use crate::repo::MyRepo;

/// How a command is to end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Well,
    /// With an error that says this.
    With(&'static str),
    /// As a login does; its session has this name from here on.
    Session(&'static str),
}

use End::{Session, Well, With};

/// The commands, and the expected end of each. `$name` is the session with that name.
const STORY: &[(&[&str], End)] = &[
    (&["register", "Ada Lovelace", "ada@example.com"], Well),
    (&["register", "Grace Hopper", "grace@example.com", "--role", "admin"], Well),
    (&["register", "Another Ada", "ADA@example.com"], With("`email`")),
    (&["register", "", "nobody"], With("`name`")),
    (&["users", "--limit", "1"], Well),
    (&["users", "--role", "admin"], Well),
    (&["login", "ada@example.com"], Session("$ada")),
    (&["whoami", "$ada"], Well),
    (&["settings", "set", "$ada", "theme", "dark"], Well),
    (&["settings", "set", "$ada", "language", "English"], With("`language`")),
    (&["notes", "add", "$ada", "Ask Babbage about the mill"], Well),
    (&["notes", "add", "$ada", "Numbers of Bernoulli: how many cards?"], Well),
    (&["login", "grace@example.com"], Session("$grace")),
    (&["notes", "add", "$grace", "A moth in relay 70"], Well),
    (&["notes", "list", "$ada"], Well),
    (&["profile", "$grace", "--email", "ada@example.com"], With("`email`")),
    (&["profile", "$grace", "--email", "rear.admiral@example.com"], Well),
    (&["config", "set", "sessions_per_user", "1"], Well),
    (&["login", "ada@example.com"], Session("$later")),
    (&["whoami", "$ada"], With("there is no such session")),
    (&["sessions", "ada@example.com"], Well),
    (&["config", "set", "registration_open", "false"], Well),
    (&["register", "Charles", "charles@example.com"], With("closed")),
    (&["remove", "$later"], Well),
    (&["login", "ada@example.com"], With("nobody")),
    (&["logout", "$grace"], Well),
    (&["users"], Well),
];

/// Runs the commands, and fails if one ends unexpectedly. Prints each, or all of them as JSON at
/// the end.
pub(crate) async fn play(as_json: bool) -> anyhow::Result<Shown> {
    let repo = MyRepo::with_store(&Store::embedded().await?);
    let mut sessions: Vec<(&str, String)> = Vec::new();
    let mut told = Vec::new();
    for (words, end) in STORY {
        let known = |word: &&str| sessions.iter().find(|(name, _)| name == word);
        let meant = words.iter().map(|word| known(word).map_or(*word, |(_, id)| id.as_str()));
        let args = Args::try_parse_from(["user-management"].into_iter().chain(meant))?;
        let done = obey(&repo, args.command).await;
        let command = words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ");
        let (text, outcome) = match (&done, end) {
            (Ok(shown), Well | Session(_)) => (shown.text.clone(), json!({ "result": shown.json })),
            (Err(error), With(words)) => {
                let error = format!("{error:#}");
                ensure!(error.contains(words), "{command}: {error}");
                (format!("error: {error}"), json!({ "error": error }))
            }
            (Ok(_), With(words)) => bail!("{command}: nothing is said of {words}"),
            (Err(error), _) => bail!("{command}: {error:#}"),
        };
        if !as_json {
            print(&format!("$ {command}\n{text}\n"))?;
        }
        told.push(json!({ "command": command, "outcome": outcome }));
        if let (Ok(Shown { json: Value::Object(fields), .. }), Session(name)) = (done, end) {
            sessions.push((name, fields["session"].as_str().unwrap_or_default().to_owned()));
        }
    }
    Shown::new(told, "Everything went as it should.")
}

fn quoted(word: &str) -> String {
    if word.is_empty() || word.contains(' ') { format!("\"{word}\"") } else { word.to_owned() }
}
