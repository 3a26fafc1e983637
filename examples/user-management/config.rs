//! The configuration of the service: one document for ever.

use metastore::{Collection, Item};
use metastore_examples::shown::Shown;
use serde::{Deserialize, Serialize};
use validator::Validate;

use crate::fields;
use crate::repo::MyRepo;

/// The id of the only item.
const ID: &str = "accounts";

/// The settings of the operator.
#[derive(Clone, Debug, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "accounts", name = "config", object_type = config, ttl = none)]
pub(crate) struct Config {
    pub(crate) registration_open: bool,
    /// With one more, the oldest ends.
    #[validate(range(min = 1, max = 100, message = "1 to 100 sessions are possible"))]
    pub(crate) sessions_per_user: u16,
    #[validate(length(max = 200, message = "a greeting has up to 200 characters"))]
    pub(crate) greeting: String,
}

impl Default for Config {
    fn default() -> Self {
        Self { registration_open: true, sessions_per_user: 5, greeting: "welcome".to_owned() }
    }
}

pub(crate) async fn get(repo: &MyRepo) -> anyhow::Result<Shown> {
    let config = current(repo).await?;
    Shown::new(&config, fields::lines(&config)?)
}

pub(crate) async fn set(repo: &MyRepo, field: &str, value: &str) -> anyhow::Result<Shown> {
    let stored = match repo.config.get(ID).await? {
        Some(stored) => {
            let changed = fields::with_field(&stored.data, field, value)?;
            repo.config.replace(&stored, changed).await?
        }
        None => {
            let changed = fields::with_field(&Config::default(), field, value)?;
            repo.config.create_with_id(ID, changed).await?
        }
    };
    Shown::new(&stored.data, fields::lines(&stored.data)?)
}

pub(crate) async fn current(repo: &MyRepo) -> anyhow::Result<Config> {
    let stored = repo.config.get(ID).await?;
    Ok(stored.map(Item::into_data).unwrap_or_default())
}
