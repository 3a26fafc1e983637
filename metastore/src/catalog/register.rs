//! Registering collections in the catalog.

use std::collections::HashMap;

use super::Descriptor;
use crate::error::{Error, ErrorKind, Result};
use crate::key::{Address, CatalogKey};
use crate::redis::command::{Reply, Verdict, unexpected};
use crate::redis::refusal::refusal;
use crate::redis::script::{REGISTER, ScriptCall, UNREGISTER, code};
use crate::redis::write::retry::RetryPolicy;
use crate::store::Store;

const OPERATION: &str = "register";

/// A collection to register in the catalog of its store.
#[derive(Debug)]
pub struct Registration {
    pub(crate) store: Store,
    pub(crate) descriptor: Descriptor,
}

/// Registers collections: one round trip for all that are in the same store.
pub async fn register(registrations: impl IntoIterator<Item = Registration>) -> Result<()> {
    let mut waiting: Vec<Registration> = registrations.into_iter().collect();
    while let Some(first) = waiting.first() {
        let store = first.store.clone();
        let (same, others) = waiting.into_iter().partition(|one| one.store.is_same_as(&store));
        register_in(&store, same).await?;
        waiting = others;
    }
    Ok(())
}

/// Registers collections while connecting. Nothing in this program depends on the catalog, so a
/// server that accepts no writes does not prevent connecting. Collections that share their keys do.
pub async fn announce(registered: impl Future<Output = Result<()>>) -> Result<()> {
    match registered.await {
        Err(error) if matches!(error.kind(), ErrorKind::InvalidArgument(_)) => Err(error),
        Err(error) => {
            tracing::warn!(%error, "the collections could not be registered in the catalog");
            Ok(())
        }
        Ok(()) => Ok(()),
    }
}

/// Refuses collections that share an address because domain or app were overridden.
fn distinct_addresses(collections: &[Registration]) -> Result<()> {
    let mut seen: HashMap<&Address, &Descriptor> = HashMap::new();
    let mut others = collections.iter().map(|found| &found.descriptor).filter(|found| {
        // Registering the same collection twice is correct.
        seen.insert(&found.address, found).is_some_and(|other| other != *found)
    });
    let Some(Descriptor { address, .. }) = others.next() else { return Ok(()) };
    let message = format!(
        "two collections of the repository have the address `{address}`, so both would write the same keys; \
         rename one, or do not override domain and app"
    );
    Err(Error::new("connect", ErrorKind::InvalidArgument(message)))
}

async fn register_in(store: &Store, registrations: Vec<Registration>) -> Result<()> {
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
            .arg(first_transformation(descriptor))
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
            "the user may not publish, so workers and waiting callers only notice jobs when they poll; grant it \
             the channels of the jobs"
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
                "two definitions of the document have the same schema number; increase it after a change"
            );
        }
        let outcome = match code {
            Reply::Int(0) => "unchanged",
            Reply::Int(1) => "registered",
            Reply::Int(2) => "not replaced: the stored one has a higher schema number",
            Reply::Int(3) => "not replaced: the stored one is newer",
            other => return Err(unexpected(OPERATION, other)),
        };
        tracing::debug!(%address, schema, outcome, "catalog");
    }
    Ok(())
}

impl Store {
    /// Removes a collection from the catalog; returns whether it was
    /// registered. Its items are kept.
    ///
    /// A program that still has the collection registers it again when it connects. Use it to
    /// remove a definition that was rolled back: the catalog otherwise keeps the newest definition.
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
        Ok(write(self, "unregister", call).await?.code == code::DONE)
    }
}

/// One of the transformations of a collection, of which the script checks whether the user may
/// publish its changes; empty if it has none.
fn first_transformation(descriptor: &Descriptor) -> String {
    let first = descriptor.transformations.first();
    first.map_or_else(String::new, |first| first.name.to_string())
}

async fn write(store: &Store, operation: &'static str, call: ScriptCall) -> Result<Verdict> {
    // Registering again is harmless, so the outcome is not waited for longer than any other reply.
    let retry = RetryPolicy::for_at_most(store.settings().command_timeout);
    let id = store.new_ulid().to_string();
    let mut verdict = store.writer().commit_script(operation, &id, call, retry).await?;
    if verdict.code == code::NOT_WRITABLE {
        let message = verdict.text(operation)?;
        return Err(Error::new(operation, refusal(&message).unwrap_or(ErrorKind::Server(message))));
    }
    Ok(verdict)
}
