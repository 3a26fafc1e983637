//! Reading jobs: the live job of an item from its queue, and its record.

use bytes::Bytes;
use serde::de::DeserializeOwned;

use crate::document::Document;
use crate::document::envelope;
use crate::document::transformation::Transformation;
use crate::error::Result;
use crate::job::live::{LiveJob, is_origin_of};
use crate::job::record::{HEAD_LEN, Record, StoredResult};
use crate::job::status::{JobState, JobStatus};
use crate::key::Id;
use crate::redis::command::{Command, Reply};
use crate::repo::Repo;

/// What is stored of a transformation of an item that exists.
pub(crate) struct Snapshot {
    pub(crate) live: Option<LiveJob>,
    pub(crate) record: Record,
    item_version: u64,
    /// The origin of the item.
    origin: String,
    /// The record, if what was read is all of it.
    whole_record: Option<Bytes>,
}

impl Snapshot {
    /// The id and the number of the last job; `None` if no run was ever requested.
    pub(crate) fn last_job(self) -> Option<(String, u64)> {
        let live = self.live.map(|live| (live.job, live.seq));
        let ended = self.record.ended.map(|ended| (ended.job, ended.seq));
        live.or(ended).or(self.record.last.map(|last| (last.job, last.seq)))
    }

    /// The status of the last job; `None` if no run was ever requested.
    pub(crate) fn status(&self) -> Option<JobStatus> {
        let last = self.record.last.as_ref();
        let mut status = JobStatus {
            job: String::new(),
            state: JobState::Done,
            attempts: 0,
            crashes: 0,
            source_version: None,
            enqueued_at: None,
            started_at: None,
            finished_at: None,
            error: None,
            trace: None,
            progress: None,
            next: None,
            result_job: last.map(|last| last.job.clone()),
            result_version: last.and_then(|last| last.version),
            result_at: last.and_then(|last| last.finished),
            item_version: self.item_version,
        };
        if let Some(live) = &self.live {
            status.job.clone_from(&live.job);
            status.state = live.state;
            (status.attempts, status.crashes) = (live.attempts, live.crashes);
            status.source_version = live.source;
            (status.enqueued_at, status.started_at) = (Some(live.enqueued), live.started);
            status.error.clone_from(&live.error);
            status.trace.clone_from(&live.trace);
            status.progress.clone_from(&live.progress);
            status.next.clone_from(&live.next);
        } else if let Some(ended) = &self.record.ended {
            status.job.clone_from(&ended.job);
            status.state = ended.state;
            (status.attempts, status.crashes) = (ended.attempts, ended.crashes);
            status.source_version = Some(ended.version).filter(|version| *version > 0);
            (status.enqueued_at, status.started_at) = (ended.enqueued, ended.started);
            status.finished_at = ended.finished;
            status.error.clone_from(&ended.error);
            status.trace.clone_from(&ended.trace);
        } else {
            let last = last?;
            status.job.clone_from(&last.job);
            (status.attempts, status.crashes) = (last.attempts, last.crashes);
            status.source_version = last.version;
            (status.enqueued_at, status.started_at) = (last.enqueued, last.started);
            status.finished_at = last.finished;
            status.trace.clone_from(&last.trace);
        }
        Some(status)
    }
}

/// Reads the live job and the record of a transformation without its result, and the header of the
/// item. `None` if the item does not exist.
pub(crate) async fn read_snapshot<T: Document>(
    repo: &Repo<T>,
    id: &Id,
    transformation: &str,
    operation: &'static str,
) -> Result<Option<Snapshot>> {
    let at = repo.address();
    let (key, latest) = (at.transformation(id, transformation), at.latest(id));
    let range = |key: &str, length: usize| {
        Command::new("GETRANGE").arg(key.to_owned()).int(0).int(length as u64 - 1)
    };
    let live = Command::new("HGET").arg(at.queue(transformation).jobs).arg(id.as_str().to_owned());
    let commands = vec![live, range(&key, HEAD_LEN), range(&latest, envelope::HEADER_LEN)];
    let replies = repo.store().reader().pipeline(commands).await;
    let mut replies = replies.map_err(|fault| fault.into_error(operation).at(&key))?.into_iter();
    let live = replies.next().as_ref().and_then(Reply::as_text).and_then(LiveJob::parse);
    let mut text = replies.next().and_then(Reply::into_data).unwrap_or_default();
    let start = replies.next().and_then(Reply::into_data).unwrap_or_default();
    if start.is_empty() {
        return Ok(None);
    }
    let header = match envelope::decode_header(&start, &latest, operation) {
        Ok(header) => header,
        // Another tool may have written the document, with a longer header.
        Err(_) => match repo.headers(vec![latest], operation).await?.pop().flatten() {
            Some(header) => header,
            None => return Ok(None),
        },
    };
    let mut is_whole = text.len() < HEAD_LEN;
    let mut record = Record::parse_head(&text);
    if record.is_none() && !is_whole {
        text = read_record(repo, &key, operation).await?;
        (record, is_whole) = (Record::parse_head(&text), true);
    }
    let mut record = record.unwrap_or_default();
    // A live job or a record may be left of an earlier item with this id, which was deleted by a
    // program that does not declare the transformation.
    let live = live.filter(|live| is_origin_of(live, header.origin()));
    record.ended = record.ended.filter(|ended| ended.origin == header.origin());
    let now = repo.store().now();
    let is_current = |until: Option<_>| until.is_none_or(|until| until > now);
    record.last =
        record.last.filter(|last| last.origin == header.origin() && is_current(last.until));
    Ok(Some(Snapshot {
        live,
        record,
        item_version: header.version,
        origin: header.origin().to_owned(),
        whole_record: is_whole.then_some(text),
    }))
}

/// Reads the result of a job with at least this number, which `snapshot` says is stored. `None` if
/// it is not there any more.
pub(crate) async fn read_result_of<T: Document, R: DeserializeOwned>(
    repo: &Repo<T>,
    id: &Id,
    transformation: &str,
    snapshot: Snapshot,
    operation: &'static str,
) -> Result<Option<R>> {
    let key = repo.address().transformation(id, transformation);
    let Some(least) = snapshot.record.last.as_ref().map(|last| last.seq) else { return Ok(None) };
    let text = match snapshot.whole_record {
        Some(text) => text,
        None => read_record(repo, &key, operation).await?,
    };
    let stored = stored_result(&text, &key, operation)?;
    let Some(stored) =
        stored.filter(|stored| stored.origin == snapshot.origin && stored.seq >= least)
    else {
        return Ok(None);
    };
    stored
        .result
        .map(|json| envelope::decode_value(json.get().as_bytes(), &key, operation))
        .transpose()
}

/// Reads the last result of a transformation.
pub(crate) async fn read_result<T: Document, R: DeserializeOwned>(
    repo: &Repo<T>,
    id: &Id,
    transformation: Transformation<T, R>,
    operation: &'static str,
) -> Result<Option<R>> {
    let key = repo.address().transformation(id, transformation.schema().name);
    let latest = repo.address().latest(id);
    let record = Command::new("GET").arg(key.clone());
    let start =
        Command::new("GETRANGE").arg(latest.clone()).int(0).int(envelope::HEADER_LEN as u64 - 1);
    let replies = repo.store().reader().pipeline(vec![record, start]).await;
    let mut replies = replies.map_err(|fault| fault.into_error(operation).at(&key))?.into_iter();
    let text = replies.next().and_then(Reply::into_data).unwrap_or_default();
    let start = replies.next().and_then(Reply::into_data).unwrap_or_default();
    if text.is_empty() || start.is_empty() {
        return Ok(None);
    }
    // The record may belong to an earlier item with this id.
    let header = envelope::decode_header(&start, &latest, operation)?;
    let now = repo.store().now();
    let stored = stored_result(&text, &key, operation)?;
    let is_valid = |stored: &StoredResult<'_>| {
        stored.origin == header.origin() && stored.until.is_none_or(|until| until > now)
    };
    let Some(json) = stored.filter(is_valid).and_then(|stored| stored.result) else {
        return Ok(None);
    };
    envelope::decode_value(json.get().as_bytes(), &key, operation).map(Some)
}

fn stored_result<'a>(
    text: &'a [u8],
    key: &str,
    operation: &'static str,
) -> Result<Option<StoredResult<'a>>> {
    if text.is_empty() {
        return Ok(None);
    }
    match serde_json::from_slice(text) {
        Ok(stored) => Ok(Some(stored)),
        Err(error) => Err(envelope::undecodable_value(operation, key, &error)),
    }
}

async fn read_record<T: Document>(
    repo: &Repo<T>,
    key: &str,
    operation: &'static str,
) -> Result<Bytes> {
    let reply = repo.store().reader().call(Command::new("GET").arg(key.to_owned())).await;
    let reply = reply.map_err(|fault| fault.into_error(operation).at(key))?;
    Ok(reply.into_data().unwrap_or_default())
}
