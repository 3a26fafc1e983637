//! Which command does what.

use metastore_examples::failure::explain;
use metastore_examples::shown::Shown;

use crate::args::{Command, ConfigCommand, NotesCommand, SettingsCommand};
use crate::repo::MyRepo;
use crate::{config, notes, sessions, settings, users};

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
