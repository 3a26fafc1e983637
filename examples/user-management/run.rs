//! Which command does what.

use std::process::ExitCode;

use metastore::Store;
use metastore_examples::failure::explain;
use metastore_examples::shown::Shown;

use crate::args::{Args, Command, ConfigCommand, NotesCommand, SettingsCommand};
use crate::repo::MyRepo;
use crate::{config, notes, sessions, settings, story, users};

pub(crate) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let shown = if let Command::Demo = args.command {
        story::play(args.json).await?
    } else {
        let repo = MyRepo::with_store(&args.server.open(Store::options()).await?);
        obey(&repo, args.command).await?
    };
    shown.print(args.json)?;
    Ok(ExitCode::SUCCESS)
}

/// Carries out one command.
pub(crate) async fn obey(repo: &MyRepo, command: Command) -> anyhow::Result<Shown> {
    let done = match command {
        Command::Demo => anyhow::bail!("a story within a story"),
        Command::Register { name, email, role } => users::register(repo, name, &email, role).await,
        Command::Users { role, page } => users::list(repo, role, &page).await,
        Command::Login { email } => sessions::login(repo, &email).await,
        Command::Whoami { session } => sessions::whoami(repo, &session).await,
        Command::Sessions { email } => sessions::list(repo, &email).await,
        Command::Logout { session } => sessions::logout(repo, &session).await,
        Command::Profile { session, name, email } => {
            users::change(repo, &session, name, email.as_deref()).await
        }
        Command::Settings(SettingsCommand::Get { session }) => settings::get(repo, &session).await,
        Command::Settings(SettingsCommand::Set { session, field, value }) => {
            settings::set(repo, &session, &field, &value).await
        }
        Command::Config(ConfigCommand::Get) => config::get(repo).await,
        Command::Config(ConfigCommand::Set { field, value }) => {
            config::set(repo, &field, &value).await
        }
        Command::Notes(NotesCommand::Add { session, text }) => {
            notes::add(repo, &session, text).await
        }
        Command::Notes(NotesCommand::List { session, page }) => {
            notes::list(repo, &session, &page).await
        }
        Command::Remove { session } => users::remove(repo, &session).await,
    };
    done.map_err(explain)
}
