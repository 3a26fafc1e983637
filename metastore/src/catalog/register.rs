//! Entering collections into the catalog.

use std::collections::HashMap;

use super::Descriptor;
use crate::error::{Error, ErrorKind, Result};
use crate::key::{Address, CatalogKey};
use crate::redis::command::{Reply, Verdict, unexpected};
use crate::redis::refusal::refusal;
use crate::redis::script::{REGISTER, ScriptCall, UNREGISTER};
use crate::redis::write::retry::RetryPolicy;
use crate::store::Store;

const OPERATION: &str = "register";

/// A collection that is to be entered into the catalog of its store.
#[derive(Debug)]
pub struct Registration {
    pub(crate) store: Store,
    pub(crate) descriptor: Descriptor,
}

/// Enters collections into the catalog: one round trip for all that are in the same store.
pub async fn register(registrations: impl IntoIterator<Item = Registration>) -> Result<()> {
    let mut waiting: Vec<Registration> = registrations.into_iter().collect();
    while let Some(first) = waiting.first() {
        let store = first.store.clone();
        let (same, others) = waiting.into_iter().partition(|one| one.store.is_same_as(&store));
        enter(&store, same).await?;
        waiting = others;
    }
    Ok(())
}

/// Enters collections while connecting. The catalog tells others what there is, and nothing here
/// depends on it, so a server that takes no writes is no reason not to connect. Collections that share their
/// keys are one.
pub async fn announce(registered: impl Future<Output = Result<()>>) -> Result<()> {
    match registered.await {
        Err(error) if matches!(error.kind(), ErrorKind::InvalidArgument(_)) => Err(error),
        Err(error) => {
            tracing::warn!(%error, "the catalog was not brought up to date");
            Ok(())
        }
        Ok(()) => Ok(()),
    }
}

/// Refuses collections that share an address because domain or app were overridden.
fn distinct_addresses(collections: &[Registration]) -> Result<()> {
    let mut seen: HashMap<&Address, &Descriptor> = HashMap::new();
    let mut others = collections.iter().map(|found| &found.descriptor).filter(|found| {
        // The same collection twice is no mistake.
        seen.insert(&found.address, found).is_some_and(|other| other != *found)
    });
    let Some(Descriptor { address, .. }) = others.next() else { return Ok(()) };
    let message = format!(
        "two collections of the repository have the address `{address}`, so both would write the same keys; \
         give one another name, or do not override domain and app"
    );
    Err(Error::new("connect", ErrorKind::InvalidArgument(message)))
}

async fn enter(store: &Store, registrations: Vec<Registration>) -> Result<()> {
    distinct_addresses(&registrations)?;
    let mut call = ScriptCall::new(&REGISTER).key(CatalogKey::Domains.to_string());
    for Registration { descriptor, .. } in &registrations {
        let (domain, app) = (descriptor.address.domain(), descriptor.address.app());
        let json = serde_json::to_string(descriptor)
            .map_err(|error| Error::new(OPERATION, ErrorKind::Encode(error.to_string())))?;
        call = call
            .arg(domain.as_str().to_owned())
            .arg(app.as_str().to_owned())
            .arg(descriptor.address.collection().as_str().to_owned())
            .arg(json)
            .arg(job_channel(descriptor))
            .key(CatalogKey::Apps(domain.clone()).to_string())
            .key(CatalogKey::Collections(domain, app).to_string());
    }
    let mut verdict = write(store, OPERATION, call).await?;
    let (codes, fingerprints) = (verdict.array(OPERATION)?, verdict.array(OPERATION)?);
    let muted = verdict.array(OPERATION)?;
    for (_, Registration { descriptor, .. }) in
        muted.iter().zip(&registrations).filter(|(muted, _)| **muted == Reply::Int(1))
    {
        let address = &descriptor.address;
        tracing::warn!(
            %address,
            "the user may not publish: workers and waiting callers notice jobs only when they look again"
        );
    }
    let found = codes.iter().zip(fingerprints.iter().map(Reply::as_text));
    for ((code, fingerprint), Registration { descriptor, .. }) in found.zip(&registrations) {
        let own = descriptor.fingerprint.to_string();
        let (address, schema) = (&descriptor.address, descriptor.schema);
        if let Some(other) = fingerprint
            && !["", &own].contains(&other)
        {
            tracing::warn!(
                %address, schema, own, other,
                "two shapes of a document have the same schema number"
            );
        }
        let outcome = match code {
            Reply::Int(0) => "it is there already",
            Reply::Int(1) => "entered",
            Reply::Int(2) => "one with a higher schema number is there",
            Reply::Int(3) => "a later one is there",
            other => return Err(unexpected(OPERATION, other)),
        };
        tracing::debug!(%address, schema, outcome, "catalog");
    }
    Ok(())
}

impl Store {
    /// Takes a collection out of the catalog; gives whether it was in. Its items stay.
    ///
    /// A service that still has it enters it again when it connects. That is how a catalog gets rid of a
    /// definition that was rolled back, since otherwise the later of two definitions stays.
    ///
    /// One round trip.
    ///
    /// # Errors
    ///
    /// `ReadOnly`, `WrongType`, `Unavailable`.
    pub async fn unregister(&self, address: &Address) -> Result<bool> {
        let (domain, app) = (address.domain(), address.app());
        let call = ScriptCall::new(&UNREGISTER)
            .key(CatalogKey::Domains.to_string())
            .key(CatalogKey::Apps(domain.clone()).to_string())
            .key(CatalogKey::Collections(domain.clone(), app.clone()).to_string())
            .arg(domain.as_str().to_owned())
            .arg(app.as_str().to_owned())
            .arg(address.collection().as_str().to_owned());
        Ok(write(self, "unregister", call).await?.code == 1)
    }
}

/// A channel of the kind that the collection's jobs publish on; empty without transformations.
fn job_channel(descriptor: &Descriptor) -> String {
    let first = descriptor.transformations.first();
    first.map_or_else(String::new, |first| descriptor.address.queue(first.name.as_str()).wake)
}

async fn write(store: &Store, operation: &'static str, call: ScriptCall) -> Result<Verdict> {
    // Registering again is harmless, so the outcome is not waited for longer than any other reply.
    let retry = RetryPolicy::for_at_most(store.settings().command_timeout);
    let id = store.new_ulid().to_string();
    let mut verdict = store.writer().commit_script(operation, &id, call, retry).await?;
    if verdict.code == -1 {
        let message = verdict.text(operation)?;
        return Err(Error::new(operation, refusal(&message).unwrap_or(ErrorKind::Server(message))));
    }
    Ok(verdict)
}
