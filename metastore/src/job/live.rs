//! `LiveJob`: a job that is queued, delayed or running, as its queue stores it.

use crate::job::status::{JobState, Progress};
use crate::time::Timestamp;

/// A live job; `lib/job.lua` writes it.
#[derive(Debug)]
pub(crate) struct LiveJob {
    pub(crate) state: JobState,
    pub(crate) job: String,
    /// The number of the job, which orders the jobs of a queue.
    pub(crate) seq: u64,
    pub(crate) enqueued: Timestamp,
    /// The end of the origin of the item.
    pub(crate) origin: String,
    pub(crate) attempts: u32,
    pub(crate) crashes: u32,
    pub(crate) source: Option<u64>,
    pub(crate) started: Option<Timestamp>,
    pub(crate) error: Option<String>,
    pub(crate) trace: Option<String>,
    pub(crate) progress: Option<Progress>,
    /// The job that was requested while this one runs.
    pub(crate) next: Option<String>,
}

impl LiveJob {
    /// The letter of the field with the trace context.
    pub(crate) const TRACE: char = 't';

    /// Parses the text of a job; `None` if there is no job, or if its text is damaged.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        // A newer program may use another number. It keeps the order of what comes first.
        let text = text.trim_start_matches(|c: char| c.is_ascii_digit());
        let mut words = text.splitn(6, ' ');
        let mut next = || words.next();
        let state = match next()?.chars().next()? {
            'q' | 'Q' => JobState::Queued,
            'd' => JobState::Delayed,
            'r' => JobState::Running,
            _ => return None,
        };
        let (job, seq, enqueued, origin) = (next()?, next()?, next()?, next()?);
        let mut found = Self {
            state,
            job: job.to_owned(),
            seq: seq.parse().ok()?,
            enqueued: time(enqueued)?,
            origin: origin.to_owned(),
            attempts: 0,
            crashes: 0,
            source: None,
            started: None,
            error: None,
            trace: None,
            progress: None,
            next: None,
        };
        if let Some(rest) = next() {
            found.read_run(rest);
        }
        Some(found)
    }

    /// Reads what a job has that has run or that was requested with options.
    fn read_run(&mut self, rest: &str) {
        // fence attempts crashes since source started[fields]
        let mut words = rest.splitn(6, ' ').skip(1);
        let mut next = || words.next().unwrap_or_default();
        let (attempts, crashes) = (next(), next());
        let _since = next();
        let (source, last) = (next(), next());
        self.attempts = attempts.parse().unwrap_or(0);
        self.crashes = crashes.parse().unwrap_or(0);
        self.source = source.parse().ok().filter(|source| *source > 0);
        let end = last.find(|c: char| !c.is_ascii_digit()).unwrap_or(last.len());
        let (started, mut fields) = last.split_at(end);
        self.started = time(started);
        while let Some((letter, value, rest)) = field(fields) {
            match letter {
                'm' => self.error = serde_json::from_str(value).ok(),
                Self::TRACE => self.trace = Some(value.to_owned()),
                // Progress is informational, so a damaged value does not fail the whole status.
                'o' => self.progress = serde_json::from_str(value).ok(),
                'n' => self.next = value.split(' ').next().map(str::to_owned),
                _ => {}
            }
            fields = rest;
        }
    }
}

/// The first field of a text: a letter, a length in bytes, a colon and a value; and what follows.
pub(crate) fn field(text: &str) -> Option<(char, &str, &str)> {
    let letter = text.chars().next()?;
    let (length, rest) = text.get(letter.len_utf8()..)?.split_once(':')?;
    let length: usize = length.parse().ok()?;
    Some((letter, rest.get(..length)?, rest.get(length..)?))
}

fn time(text: &str) -> Option<Timestamp> {
    text.parse().ok().filter(|millis| *millis > 0).map(Timestamp::from_millis)
}

/// Whether a live job belongs to the item with this origin: it holds the end of it.
pub(crate) fn is_origin_of(job: &LiveJob, origin: &str) -> bool {
    let word: String = origin.chars().filter(char::is_ascii_alphanumeric).collect();
    word.get(word.len().saturating_sub(8)..) == Some(&*job.origin)
}
