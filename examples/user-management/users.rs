//! The users: a document for ever, with an e-mail address that no other user has.

use anyhow::{Context, ensure};
use futures_util::{TryStreamExt, pin_mut};
use metastore::{Collection, Indexable, Item};
use metastore_examples::page::{self, PageArgs};
use metastore_examples::shown::{Shown, count, line};
use metastore_examples::table::{add_row, table};
use serde::{Deserialize, Serialize};
use validator::Validate;

use crate::repo::MyRepo;
use crate::{config, sessions};

/// How many users a page has.
const PAGE: u16 = 20;

/// A user.
#[derive(Clone, Debug, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "accounts", name = "users", object_type = texts, ttl = none)]
pub(crate) struct User {
    #[validate(length(min = 1, max = 80, message = "a name has 1 to 80 characters"))]
    pub(crate) name: String,
    /// In lower case, so that it is one address however it is typed.
    #[validate(email(message = "this is no e-mail address"))]
    #[unique]
    pub(crate) email: String,
    #[index]
    pub(crate) role: Role,
}

/// What a user may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Indexable, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Role {
    Member,
    Admin,
}

impl Role {
    fn name(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Admin => "admin",
        }
    }
}

pub(crate) async fn register(
    repo: &MyRepo,
    name: String,
    email: &str,
    role: Role,
) -> anyhow::Result<Shown> {
    let config = config::current(repo).await?;
    ensure!(config.registration_open, "registration is closed");
    // Two who register at the same moment with one address: the store lets in one of them.
    let user = repo.users.create(User { name, email: normal(email), role }).await?;
    let text = format!("registered {} as {}", line(&user.data.name), user.id);
    Shown::new(&user, text)
}

pub(crate) async fn list(
    repo: &MyRepo,
    role: Option<Role>,
    page: &PageArgs,
) -> anyhow::Result<Shown> {
    let query = || match role {
        Some(role) => repo.users.find(User::ROLE.eq(role)),
        None => repo.users.list(),
    };
    let found = page.of(query().newest_first(), PAGE).page().await?;
    let total = query().count().await?;
    let mut rows = table(["name", "e-mail", "role", "registered", "id"]);
    for user in &found.items {
        let User { name, email, role } = user.data.clone();
        let registered = user.created_at.to_string();
        add_row(&mut rows, [name, email, role.name().to_owned(), registered, user.id.to_string()]);
    }
    let of = count(total, "user", "users");
    let text = format!("{rows}\n{} of {of}{}", found.items.len(), page::next(&found));
    Shown::new(&found, text)
}

/// Changes what is given. With the item in hand, a change that somebody else has made since is not
/// lost.
pub(crate) async fn change(
    repo: &MyRepo,
    session: &str,
    name: Option<String>,
    email: Option<&str>,
) -> anyhow::Result<Shown> {
    let (_, user) = sessions::enter(repo, session).await?;
    let mut patch = User::patch();
    if let Some(name) = name {
        patch = patch.name(name);
    }
    if let Some(email) = email {
        patch = patch.email(normal(email));
    }
    let user = repo.users.as_user(&user.id)?.update(&user, patch).await?;
    let User { name, email, .. } = &user.data;
    let what = if user.unchanged { "nothing changed" } else { "changed" };
    let text = format!("{what}: {}, {email}, at version {}", line(name), user.version);
    Shown::new(&user, text)
}

/// Deletes the user and all that is the user's; the user last, so that an interrupted removal can
/// be repeated.
pub(crate) async fn remove(repo: &MyRepo, session: &str) -> anyhow::Result<Shown> {
    let (_, user) = sessions::enter(repo, session).await?;
    let mut notes = 0_u64;
    let owned = repo.notes.list().owned_by(&user.id).stream();
    pin_mut!(owned);
    while let Some(note) = owned.try_next().await? {
        notes += u64::from(repo.notes.delete(&note.id).await?);
    }
    repo.settings.delete(&user.id).await?;
    let sessions = sessions::end_all_but(repo, &user.id, 0).await?;
    repo.users.delete(&user.id).await?;
    let ended = count(sessions, "session", "sessions");
    let notes = count(notes, "note", "notes");
    let text = format!("removed {} with {notes} and {ended}", line(&user.data.name));
    Shown::new(&user, text)
}

/// The user with this address.
pub(crate) async fn by_email(repo: &MyRepo, email: &str) -> anyhow::Result<Item<User>> {
    let email = normal(email);
    let user = repo.users.get_by(User::EMAIL, email.as_str()).await?;
    user.with_context(|| format!("nobody is registered with {}", line(&email)))
}

fn normal(email: &str) -> String {
    email.trim().to_lowercase()
}
