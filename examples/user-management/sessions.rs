//! The sessions: state that ends by itself, and later with each use.

use std::fmt::Write;

use anyhow::{anyhow, bail};
use metastore::{Collection, ErrorKind, Id, Item, Timestamp};
use metastore_examples::shown::{Shown, count, line};
use serde::{Deserialize, Serialize};
use serde_json::json;
use validator::Validate;

use crate::repo::MyRepo;
use crate::{config, users, users::User};

/// The most sessions to be listed, and to be ended at once.
const MOST: usize = 1_000;

/// A session. Whose it is, is not in the document: it is created on behalf of its user.
///
/// A change resets the time to live, which is what makes it slide. Earlier versions are of no use.
#[derive(Clone, Debug, Serialize, Deserialize, Validate, Collection)]
#[collection(domain = "myapp", app = "accounts", name = "sessions", object_type = state, ttl = "30m", keep = 1)]
pub(crate) struct Session {
    /// How often it was used.
    pub(crate) uses: u64,
}

pub(crate) async fn login(repo: &MyRepo, email: &str) -> anyhow::Result<Shown> {
    let user = users::by_email(repo, email).await?;
    let of_user = repo.sessions.as_user(&user.id)?;
    let session = of_user.create_with_id(secret()?, Session { uses: 0 }).await?;
    let config = config::current(repo).await?;
    let allowed = config.sessions_per_user;
    let ended = end_all_but(repo, &user.id, allowed.into()).await?;
    let (greeting, name) = (line(&config.greeting), line(&user.data.name));
    let mut text =
        format!("{greeting}, {name}: session {} lives until {}", session.id, expiry(&session));
    if ended > 0 {
        write!(text, "\n{} ended: {allowed} allowed", count(ended, "older one", "older ones"))?;
    }
    Shown::new(json!({ "session": session.id, "expires_at": expiry(&session), "user": user }), text)
}

pub(crate) async fn whoami(repo: &MyRepo, session: &str) -> anyhow::Result<Shown> {
    let (session, user) = enter(repo, session).await?;
    let uses = count(session.data.uses, "use", "uses");
    let User { name, email, .. } = &user.data;
    let text =
        format!("{} <{email}>; {uses}, the session lives until {}", line(name), expiry(&session));
    Shown::new(json!({ "user": &user, "session": &session, "expires_at": expiry(&session) }), text)
}

pub(crate) async fn logout(repo: &MyRepo, session: &str) -> anyhow::Result<Shown> {
    let (session, user) = enter(repo, session).await?;
    repo.sessions.delete(&session.id).await?;
    Shown::new(&session, format!("{} is logged out", line(&user.data.name)))
}

pub(crate) async fn list(repo: &MyRepo, email: &str) -> anyhow::Result<Shown> {
    let user = users::by_email(repo, email).await?;
    let sessions = repo.sessions.list().owned_by(&user.id).limit(MOST).await?;
    let mut text = count(sessions.len(), "session", "sessions");
    for session in &sessions {
        let uses = count(session.data.uses, "use", "uses");
        write!(text, "\n  {}  {uses}, lives until {}", session.id, expiry(session))?;
    }
    Shown::new(&sessions[..], text)
}

/// Uses a session: returns it and its user, and renews its time to live.
pub(crate) async fn enter(
    repo: &MyRepo,
    session: &str,
) -> anyhow::Result<(Item<Session>, Item<User>)> {
    let gone = || anyhow!("there is no such session: it was ended or has expired; log in again");
    let used = repo.sessions.modify(session, |session| session.uses += 1).await;
    let session = match used {
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::InvalidId(_)) => {
            bail!(gone())
        }
        used => used?,
    };
    let Some(user) = &session.owner else { bail!(gone()) };
    match repo.users.get(user).await? {
        Some(user) => Ok((session, user)),
        None => bail!(gone()),
    }
}

/// Ends the sessions of a user except the newest ones; returns how many.
pub(crate) async fn end_all_but(repo: &MyRepo, user: &Id, newest: usize) -> anyhow::Result<u64> {
    let query = repo.sessions.list().owned_by(user).newest_first();
    let mut ended = 0;
    for session in query.offset(newest).limit(MOST).ids().await?.items {
        ended += u64::from(repo.sessions.delete(&session).await?);
    }
    Ok(ended)
}

/// When the session ends unless it is used before.
fn expiry(session: &Item<Session>) -> Timestamp {
    session.updated_at.plus(Session::SCHEMA.ttl.unwrap_or_default())
}

/// The id of a session grants access to it, so it must not be guessable. The ids that the store
/// generates contain their time and are in order.
fn secret() -> anyhow::Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| anyhow!("no random numbers: {error}"))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
