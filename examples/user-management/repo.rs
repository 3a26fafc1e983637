//! All collections of this program.

use metastore::{Repo, Repository};

use crate::config::Config;
use crate::notes::Note;
use crate::sessions::Session;
use crate::settings::Settings;
use crate::users::User;

#[derive(Repository)]
pub(crate) struct MyRepo {
    pub(crate) users: Repo<User>,
    pub(crate) sessions: Repo<Session>,
    pub(crate) settings: Repo<Settings>,
    pub(crate) config: Repo<Config>,
    pub(crate) notes: Repo<Note>,
}
