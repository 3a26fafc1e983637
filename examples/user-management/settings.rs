//! A user's settings: one document under the id of the user.

use metastore::{Collection, Item};
use metastore_examples::shown::Shown;
use serde::{Deserialize, Serialize};
use validator::Validate;

use crate::repo::MyRepo;
use crate::users::User;
use crate::{fields, sessions};

/// The settings of a user. `ttl = none` says that they stay: without it, documents of the type
/// `settings` expire 30 days after the last change.
#[derive(Clone, Debug, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "accounts", name = "settings", object_type = settings, ttl = none, keep = 10)]
pub(crate) struct Settings {
    pub(crate) theme: Theme,
    #[validate(length(equal = 2, message = "a language is two letters, such as `en`"))]
    pub(crate) language: String,
    #[validate(range(min = 1, max = 1000, message = "a page has 1 to 1000 notes"))]
    pub(crate) notes_per_page: u16,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Theme {
    Light,
    Dark,
}

impl Default for Settings {
    fn default() -> Self {
        Self { theme: Theme::Light, language: "en".to_owned(), notes_per_page: 20 }
    }
}

pub(crate) async fn get(repo: &MyRepo, session: &str) -> anyhow::Result<Shown> {
    let (_, user) = sessions::enter(repo, session).await?;
    let settings = current(repo, &user).await?;
    Shown::new(&settings, fields::lines(&settings)?)
}

pub(crate) async fn set(
    repo: &MyRepo,
    session: &str,
    field: &str,
    value: &str,
) -> anyhow::Result<Shown> {
    let (_, user) = sessions::enter(repo, session).await?;
    let of_user = repo.settings.as_user(&user.id)?;
    let stored = match of_user.get(&user.id).await? {
        Some(stored) => {
            let changed = fields::with_field(&stored.data, field, value)?;
            of_user.replace(&stored, changed).await?
        }
        None => {
            let changed = fields::with_field(&Settings::default(), field, value)?;
            of_user.create_with_id(&user.id, changed).await?
        }
    };
    Shown::new(&stored.data, fields::lines(&stored.data)?)
}

/// The user's settings, or the usual ones if there are none.
pub(crate) async fn current(repo: &MyRepo, user: &Item<User>) -> anyhow::Result<Settings> {
    let stored = repo.settings.get(&user.id).await?;
    Ok(stored.map(Item::into_data).unwrap_or_default())
}
