//! The notes: items of a user.

use std::fmt::Write;

use metastore::Collection;
use metastore_examples::page::{self, PageArgs};
use metastore_examples::shown::{Shown, count, line};
use serde::{Deserialize, Serialize};
use validator::Validate;

use crate::repo::MyRepo;
use crate::{sessions, settings};

/// A note. Whose it is, the store knows.
#[derive(Clone, Debug, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "accounts", name = "notes", object_type = texts, ttl = none)]
pub(crate) struct Note {
    #[validate(length(min = 1, max = 10_000, message = "a note has 1 to 10000 characters"))]
    pub(crate) text: String,
}

pub(crate) async fn add(repo: &MyRepo, session: &str, text: String) -> anyhow::Result<Shown> {
    let (_, user) = sessions::enter(repo, session).await?;
    let note = repo.notes.as_user(&user.id)?.create(Note { text }).await?;
    Shown::new(&note, format!("noted as {}", note.id))
}

pub(crate) async fn list(repo: &MyRepo, session: &str, page: &PageArgs) -> anyhow::Result<Shown> {
    let (_, user) = sessions::enter(repo, session).await?;
    let usual = settings::current(repo, &user).await?.notes_per_page;
    let query = || repo.notes.list().owned_by(&user.id);
    let found = page.of(query(), usual).page().await?;
    let total = query().count().await?;
    let mut text = format!("{} of {}", found.items.len(), count(total, "note", "notes"));
    for note in &found.items {
        write!(text, "\n  {}  {}", note.created_at, line(&note.data.text))?;
    }
    text += &page::next(&found);
    Shown::new(&found, text)
}
