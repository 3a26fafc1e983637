//! The command line.

use clap::{Parser, Subcommand};
use metastore_examples::page::PageArgs;
use metastore_examples::server::ServerArgs;

use crate::users::Role;

/// Registers users, logs them in, and keeps their settings and notes in Redis.
///
/// It is about documents, so there are no passwords: anyone can log in with any registered e-mail
/// address.
#[derive(Debug, Parser)]
#[command(name = "user-management")]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) server: ServerArgs,

    /// Print results as JSON.
    #[arg(long, global = true)]
    pub(crate) json: bool,

    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Play a story that uses all other commands, on a server of its own that ends with it.
    Demo,
    /// Register a user. No two have the same e-mail address.
    Register {
        name: String,
        email: String,
        /// Whether the user is a member or an admin.
        #[arg(long, value_enum, default_value_t = Role::Member)]
        role: Role,
    },
    /// List the users, the newest first.
    Users {
        /// Only those with this role.
        #[arg(long, value_enum)]
        role: Option<Role>,
        #[command(flatten)]
        page: PageArgs,
    },
    /// Begin a session, which lives for half an hour, and again for half an hour after each use.
    Login { email: String },
    /// Say whose session it is.
    Whoami { session: String },
    /// List the sessions of a user, the newest first.
    Sessions { email: String },
    /// End a session.
    Logout { session: String },
    /// Change the name or the e-mail address.
    Profile {
        session: String,
        #[arg(long)]
        name: Option<String>,
        #[arg(long)]
        email: Option<String>,
    },
    /// A user's settings: kept for 30 days after the last change, then the usual ones again.
    #[command(subcommand)]
    Settings(SettingsCommand),
    /// The configuration of the service: kept for ever.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// A user's notes.
    #[command(subcommand)]
    Notes(NotesCommand),
    /// Delete the user of a session, with everything that is the user's.
    Remove { session: String },
}

#[derive(Debug, Subcommand)]
pub(crate) enum SettingsCommand {
    /// Show them.
    Get { session: String },
    /// Change one.
    Set { session: String, field: String, value: String },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Show it.
    Get,
    /// Change one value.
    Set { field: String, value: String },
}

#[derive(Debug, Subcommand)]
pub(crate) enum NotesCommand {
    /// Write one.
    Add { session: String, text: String },
    /// List them, the newest first.
    List {
        session: String,
        #[command(flatten)]
        page: PageArgs,
    },
}
