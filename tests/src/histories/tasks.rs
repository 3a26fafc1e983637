//! One call of a task: chosen at random, recorded and made.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fastrand::Rng;
use metastore::{Error, ErrorKind, Item, Repo, Target, ToTarget};

use super::client_options::ClientOptions;
use super::documents::Document;
use super::log::Log;
use super::record::{Answer, Basis, Change, Kind, Operation, Seen, Value};

/// How many values of the unique field there are.
const NAMES: u32 = 4;

/// How many items with generated ids a process remembers.
const GENERATED: usize = 6;

/// What the tasks of a process share for one collection.
pub(super) struct Tasks<T> {
    repo: Repo<T>,
    log: Arc<Log>,
    process: u32,
    keys: u32,
    tokens: AtomicU64,
    /// The items that were read or written last, which may be out of date.
    in_hand: Mutex<HashMap<String, Item<T>>>,
    /// Ids that other processes may not know.
    generated: Mutex<Vec<String>>,
}

impl<T: Document> Tasks<T> {
    pub(super) fn new(repo: Repo<T>, log: Arc<Log>, options: &ClientOptions) -> Self {
        Self {
            repo,
            log,
            process: options.process,
            keys: options.keys,
            tokens: AtomicU64::new(0),
            in_hand: Mutex::default(),
            generated: Mutex::default(),
        }
    }

    pub(super) async fn call(&self, task: u32, random: &mut Rng) {
        let id = self.id(random);
        let item = lock(&self.in_hand).get(&id).cloned();
        // A version that may exist.
        let near = item.as_ref().map_or(1, |item| item.version);
        let near = if random.u8(..10) < 7 { near } else { random.u64(1..=near + 1) };
        let in_hand = item.filter(|_| random.bool());
        let basis = in_hand.as_ref().map_or(Basis::Current, |item| Basis::InHand {
            version: item.version,
            commit: item.commit.clone(),
        });
        let token = self.token();
        match random.u8(..100) {
            0..14 => self.create(task, Some(id), self.value(token, random)).await,
            14..18 => self.create(task, None, self.value(token, random)).await,
            18..20 => self.create_many(task, random).await,
            20..36 => {
                let change = match random.u8(..3) {
                    0 if T::KIND == Kind::Unique => Change::Rename(token, self.name(random)),
                    _ => Change::Token(token),
                };
                self.update(task, id, in_hand, basis, change).await;
            }
            36..43 => {
                self.update(task, id, None, Basis::At(near), Change::Token(token)).await;
            }
            43..50 => {
                let change = Change::Whole(self.value(token, random));
                self.update(task, id, in_hand, basis, change).await;
            }
            50..58 => self.update(task, id, in_hand, basis, Change::Add(token)).await,
            58..64 => self.revert(task, id, in_hand, basis, random.u64(1..=near)).await,
            64..72 => self.delete(task, id, None).await,
            72..77 => self.delete(task, id, Some(near)).await,
            77..87 => self.get(task, id).await,
            87..92 => self.get_version(task, id, near).await,
            92..96 => self.list(task).await,
            _ if T::KIND != Kind::Unique => self.get(task, id).await,
            96..98 => self.count(task).await,
            _ => self.get_by(task, format!("n{}", random.u32(..NAMES))).await,
        }
    }

    fn id(&self, random: &mut Rng) -> String {
        let generated = lock(&self.generated);
        if !generated.is_empty() && random.u8(..8) == 0 {
            return generated[random.usize(..generated.len())].clone();
        }
        format!("k{}", random.u32(..self.keys))
    }

    fn token(&self) -> String {
        let number = self.tokens.fetch_add(1, Ordering::Relaxed);
        format!("{}.{number}", self.process)
    }

    fn name(&self, random: &mut Rng) -> Option<String> {
        (random.u8(..10) < 7).then(|| format!("n{}", random.u32(..NAMES)))
    }

    fn value(&self, token: String, random: &mut Rng) -> Value {
        let name = if T::KIND == Kind::Unique { self.name(random) } else { None };
        Value { token, count: 0, name }
    }

    fn begin(&self, task: u32, id: Option<&str>, operation: &Operation) -> u64 {
        self.log.invoked(task, T::KIND, id, operation)
    }

    /// Keeps an item in hand, and returns what it shows.
    fn seen(&self, item: &Item<T>) -> Seen {
        let id = item.id.to_string();
        lock(&self.in_hand).insert(id, item.clone());
        seen(item)
    }

    fn written(&self, result: Result<Item<T>, Error>) -> Answer {
        match result {
            Ok(item) if item.unchanged => Answer::Unchanged(self.seen(&item)),
            Ok(item) => Answer::Item(self.seen(&item)),
            Err(error) => failed(&error),
        }
    }

    fn found(&self, result: Result<Option<Item<T>>, Error>) -> Answer {
        match result {
            Ok(Some(item)) => Answer::Item(self.seen(&item)),
            Ok(None) => Answer::Nothing,
            Err(error) => failed(&error),
        }
    }

    async fn create(&self, task: u32, id: Option<String>, value: Value) {
        let call = self.begin(task, id.as_deref(), &Operation::Create(value.clone()));
        let result = match &id {
            Some(id) => self.repo.create_with_id(id, T::of(value)).await,
            None => self.repo.create(T::of(value)).await,
        };
        if let (None, Ok(item)) = (&id, &result) {
            self.remember(item.id.to_string());
        }
        self.log.returned(call, self.written(result));
    }

    fn remember(&self, id: String) {
        let mut generated = lock(&self.generated);
        if generated.len() >= GENERATED {
            generated.remove(0);
        }
        if !generated.contains(&id) {
            generated.push(id);
        }
    }

    async fn create_many(&self, task: u32, random: &mut Rng) {
        let values: Vec<Value> =
            (0..random.usize(2..=3)).map(|_| self.value(self.token(), random)).collect();
        let begin = |value: &Value| self.begin(task, None, &Operation::Create(value.clone()));
        let calls: Vec<u64> = values.iter().map(begin).collect();
        let results = self.repo.create_many(values.into_iter().map(T::of)).await;
        for (call, result) in calls.into_iter().zip(results) {
            if let Ok(item) = &result {
                self.remember(item.id.to_string());
            }
            self.log.returned(call, self.written(result));
        }
    }

    async fn update(
        &self,
        task: u32,
        id: String,
        in_hand: Option<Item<T>>,
        basis: Basis,
        change: Change,
    ) {
        let operation = Operation::Update(basis.clone(), change.clone());
        let call = self.begin(task, Some(&id), &operation);
        let target = || target(&id, in_hand.as_ref());
        let result = match change {
            Change::Token(token) => match basis {
                Basis::At(version) => self.repo.update_at(&id, version, T::set(&token, None)).await,
                _ => self.repo.update(target(), T::set(&token, None)).await,
            },
            Change::Rename(token, name) => {
                self.repo.update(target(), T::set(&token, Some(name))).await
            }
            Change::Whole(value) => self.repo.replace(target(), T::of(value)).await,
            Change::Add(token) => self.repo.modify(target(), |document| document.add(&token)).await,
        };
        self.log.returned(call, self.written(result));
    }

    async fn revert(&self, task: u32, id: String, in_hand: Option<Item<T>>, basis: Basis, to: u64) {
        let call = self.begin(task, Some(&id), &Operation::Revert(basis, to));
        let result = self.repo.revert(target(&id, in_hand.as_ref()), to).await;
        self.log.returned(call, self.written(result));
    }

    async fn delete(&self, task: u32, id: String, at: Option<u64>) {
        let basis = at.map_or(Basis::Current, Basis::At);
        let call = self.begin(task, Some(&id), &Operation::Delete(basis));
        let result = match at {
            Some(version) => self.repo.delete_at(&id, version).await.map(|()| true),
            None => self.repo.delete(&id).await,
        };
        let answer = result.map_or_else(|error| failed(&error), Answer::Deleted);
        self.log.returned(call, answer);
    }

    async fn get(&self, task: u32, id: String) {
        let call = self.begin(task, Some(&id), &Operation::Get);
        let answer = self.found(self.repo.get(&id).await);
        self.log.returned(call, answer);
    }

    async fn get_version(&self, task: u32, id: String, version: u64) {
        let call = self.begin(task, Some(&id), &Operation::GetVersion(version));
        let answer = match self.repo.get_version(&id, version).await {
            // Not kept in hand: it may be superseded.
            Ok(Some(item)) => Answer::Item(seen(&item)),
            Ok(None) => Answer::Nothing,
            Err(error) => failed(&error),
        };
        self.log.returned(call, answer);
    }

    async fn list(&self, task: u32) {
        let call = self.begin(task, None, &Operation::List);
        let answer = match self.repo.list().limit(200).page().await {
            Ok(page) => {
                let items: Vec<Seen> = page.items.iter().map(|item| self.seen(item)).collect();
                if let Some(newest) = items.iter().find(|seen| seen.id.len() > 10) {
                    self.remember(newest.id.clone());
                }
                Answer::Items(items, page.next.is_none())
            }
            Err(error) => failed(&error),
        };
        self.log.returned(call, answer);
    }

    async fn count(&self, task: u32) {
        let call = self.begin(task, None, &Operation::Count);
        let count = self.repo.count().await;
        let answer = count.map_or_else(|error| failed(&error), Answer::Count);
        self.log.returned(call, answer);
    }

    async fn get_by(&self, task: u32, name: String) {
        let Some(condition) = T::named(&name) else { return };
        let call = self.begin(task, None, &Operation::GetBy(name));
        let answer = match self.repo.find(condition).limit(1).page().await {
            Ok(page) => self.found(Ok(page.items.into_iter().next())),
            Err(error) => failed(&error),
        };
        self.log.returned(call, answer);
    }
}

fn target<'a, T>(id: &'a String, in_hand: Option<&'a Item<T>>) -> Target<'a, T> {
    in_hand.map_or_else(|| id.to_target(), ToTarget::to_target)
}

/// What an item shows.
pub(super) fn seen<T: Document>(item: &Item<T>) -> Seen {
    Seen {
        id: item.id.to_string(),
        version: item.version,
        commit: item.commit.clone(),
        created: item.created_at.as_millis(),
        value: item.data.value(),
    }
}

fn failed(error: &Error) -> Answer {
    match error.kind() {
        ErrorKind::NotFound => Answer::NotFound,
        ErrorKind::AlreadyExists { field } => Answer::AlreadyExists(field.clone()),
        ErrorKind::Conflict { expected, actual } => {
            Answer::Conflict { expected: *expected, actual: *actual }
        }
        ErrorKind::OutcomeUnknown { commit, .. } => {
            Answer::Unknown(Some(commit.clone()).filter(|commit| !commit.is_empty()))
        }
        // Nothing was written, as each of these promises.
        ErrorKind::Unavailable(_)
        | ErrorKind::Loading
        | ErrorKind::ReadOnly(_)
        | ErrorKind::OutOfMemory(_) => Answer::Failed(error.to_string()),
        _ => Answer::Unexpected(error.to_string()),
    }
}

fn lock<V>(mutex: &Mutex<V>) -> MutexGuard<'_, V> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
