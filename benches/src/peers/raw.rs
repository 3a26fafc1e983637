//! The limit of the server: the same commands, written in advance, through a bare socket. Replies
//! are read and discarded, nothing is decoded, no task is switched. No client that sends these
//! commands can be faster.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use ulid::Ulid;

use super::keys;
use super::stored::Stored;
use crate::document::Article;

/// The items of one batch, two of which are in flight.
const BATCH: usize = 50;

/// The documents of one atomic step of `create_many`, three of which are in flight.
const STEP: usize = 100;
const STEPS_UNDER_WAY: usize = 3;

/// Any time: all cost the same.
const TIME: &str = "1790000000000";

/// Commands that are sent at once, and how many replies they have.
#[derive(Default)]
struct Batch {
    bytes: Vec<u8>,
    replies: usize,
}

impl Batch {
    fn add<'a>(&mut self, parts: impl IntoIterator<Item = &'a str>) {
        let parts: Vec<&str> = parts.into_iter().collect();
        self.bytes.extend(format!("*{}\r\n", parts.len()).bytes());
        for part in parts {
            self.bytes.extend(format!("${}\r\n{part}\r\n", part.len()).bytes());
        }
        self.replies += 1;
    }
}

/// One connection without a client.
struct Line {
    socket: TcpStream,
    replies: BufReader<TcpStream>,
    line: Vec<u8>,
}

impl Line {
    fn open(port: u16) -> Result<Self> {
        let socket = TcpStream::connect(("127.0.0.1", port))?;
        socket.set_nodelay(true)?;
        let replies = BufReader::with_capacity(256 * 1024, socket.try_clone()?);
        Ok(Self { socket, replies, line: Vec::new() })
    }

    fn send(&mut self, batch: &Batch) -> Result<()> {
        Ok(self.socket.write_all(&batch.bytes)?)
    }

    /// Reads and discards replies.
    fn skip(&mut self, mut replies: usize) -> Result<()> {
        while replies > 0 {
            self.line.clear();
            self.replies.read_until(b'\n', &mut self.line)?;
            let (kind, rest) = self.line.split_first().context("the server has hung up")?;
            let number =
                || std::str::from_utf8(rest)?.trim_end().parse::<i64>().context("a length");
            replies -= 1;
            match kind {
                b'-' => ensure!(false, "{}", String::from_utf8_lossy(rest).trim_end()),
                b'*' => replies += usize::try_from(number()?.max(0))?,
                b'$' => {
                    let length = u64::try_from(number()? + 2).unwrap_or(0);
                    let mut value = self.replies.by_ref().take(if length > 1 { length } else { 0 });
                    std::io::copy(&mut value, &mut std::io::sink())?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Sends all batches, with a limit on those in flight. Returns the time until the last reply.
    fn run(&mut self, batches: &[Batch], under_way: usize) -> Result<Duration> {
        let start = Instant::now();
        for batch in batches.iter().take(under_way) {
            self.send(batch)?;
        }
        for (number, batch) in batches.iter().enumerate() {
            self.skip(batch.replies)?;
            if let Some(next) = batches.get(number + under_way) {
                self.send(next)?;
            }
        }
        Ok(start.elapsed())
    }
}

/// Creates documents, encoded in advance, in atomic steps of a hundred.
pub(crate) fn create_many(port: u16, documents: u64) -> Result<Duration> {
    let mut batches = Vec::new();
    for first in (0..documents).step_by(STEP) {
        let items = (first..documents.min(first + STEP as u64)).map(Article::sample);
        let items = items.map(Stored::first).collect::<Result<Vec<_>>>()?;
        let mut set = vec!["MSET".to_owned()];
        let mut index = vec!["ZADD".to_owned(), keys::INDEX.to_owned()];
        for item in &items {
            set.extend([keys::latest(&item.id), serde_json::to_string(item)?]);
            index.extend([item.created.to_string(), item.id.clone()]);
        }
        let mut batch = Batch::default();
        batch.add(["MULTI"]);
        batch.add(set.iter().map(String::as_str));
        batch.add(index.iter().map(String::as_str));
        batch.add(["EXEC"]);
        batches.push(batch);
    }
    Line::open(port)?.run(&batches, STEPS_UNDER_WAY)
}

/// The text of a job as the queue stores it.
fn job(state: &str) -> String {
    format!("2{state}n {} 1 {TIME} 10000000", Ulid::nil())
}

/// The same while it runs.
fn running_job() -> String {
    let worker = Ulid::nil();
    format!("{} 2 0 0 0 1 {TIME}w7:bench-1c26:{worker}", job("r"))
}

fn lease(id: &str) -> String {
    format!("{id} 2")
}

/// The commands that the job protocol needs for jobs that are taken: their ids, the jobs, the
/// documents; store who runs them, and the leases.
fn add_take(batch: &mut Batch, ids: &[String]) {
    let all = || ids.iter().map(String::as_str);
    batch.add(["LPOP", keys::WAITING, &ids.len().to_string()]);
    batch.add(["HMGET", keys::JOBS].into_iter().chain(all()));
    let latest: Vec<String> = ids.iter().map(|id| keys::latest(id)).collect();
    batch.add(["MGET"].into_iter().chain(latest.iter().map(String::as_str)));
    let text = running_job();
    let jobs = ids.iter().flat_map(|id| [id.as_str(), &text]);
    batch.add(["HSET", keys::JOBS].into_iter().chain(jobs));
    let leases: Vec<String> = ids.iter().map(|id| lease(id)).collect();
    let leases = leases.iter().flat_map(|lease| [TIME, lease.as_str()]);
    batch.add(["ZADD", keys::RUNNING].into_iter().chain(leases));
}

/// And for those that end: the jobs, whether the items and earlier results exist, the results, the
/// leases, the index of results, and the notification of waiting callers.
fn add_finish(batch: &mut Batch, ids: &[String]) {
    let all = || ids.iter().map(String::as_str);
    batch.add(["HMGET", keys::JOBS].into_iter().chain(all()));
    let latest: Vec<String> = ids.iter().map(|id| keys::latest(id)).collect();
    batch.add(["EXISTS"].into_iter().chain(latest.iter().map(String::as_str)));
    let records: Vec<String> = ids.iter().map(|id| keys::record(id)).collect();
    batch.add(["EXISTS"].into_iter().chain(records.iter().map(String::as_str)));
    let nil = Ulid::nil();
    let record = format!(
        r#"{{"job":"{nil}","seq":1,"fence":2,"version":1,"origin":"{nil}","enqueued":{TIME},"started":{TIME},"finished":{TIME},"result":0}}"#
    );
    let results = records.iter().flat_map(|key| [key.as_str(), &record]);
    batch.add(["MSET"].into_iter().chain(results));
    batch.add(["HDEL", keys::JOBS].into_iter().chain(all()));
    let leases: Vec<String> = ids.iter().map(|id| lease(id)).collect();
    batch.add(["ZREM", keys::RUNNING].into_iter().chain(leases.iter().map(String::as_str)));
    let entries = ids.iter().flat_map(|id| [TIME, id.as_str()]);
    batch.add(["ZADD", keys::RESULTS].into_iter().chain(entries));
    batch.add(["PUBLISH", "changes", &ids.join(" ")]);
}

/// Requests a job on each item. Not timed.
fn enqueue(line: &mut Line, ids: &[String]) -> Result<()> {
    let text = job("q");
    for ids in ids.chunks(1_000) {
        let mut batch = Batch::default();
        let jobs = ids.iter().flat_map(|id| [id.as_str(), &text]);
        batch.add(["HSET", keys::JOBS].into_iter().chain(jobs));
        batch.add(["RPUSH", keys::WAITING].into_iter().chain(ids.iter().map(String::as_str)));
        line.send(&batch)?;
        line.skip(batch.replies)?;
    }
    Ok(())
}

/// Takes a job on each of the items and stores a result: each batch finishes half of the running
/// jobs and takes as many.
pub(crate) fn process(port: u16, ids: &[String]) -> Result<Duration> {
    let mut line = Line::open(port)?;
    enqueue(&mut line, ids)?;
    let chunks: Vec<&[String]> = ids.chunks(BATCH).collect();
    let mut batches = Vec::new();
    for number in 0..chunks.len() + 2 {
        let mut batch = Batch::default();
        if let Some(ended) = number.checked_sub(2).and_then(|number| chunks.get(number)) {
            add_finish(&mut batch, ended);
        }
        if let Some(taken) = chunks.get(number) {
            add_take(&mut batch, taken);
        }
        batches.push(batch);
    }
    line.run(&batches, 2)
}

/// Requests one job after the other, each after a pause; a thread waits for the wake-up message and
/// takes the job. Returns the microseconds from before each request until the document has arrived.
pub(crate) fn starts(port: u16, ids: &[String], pause: Duration) -> Result<Vec<f64>> {
    let channel = "wake";
    let mut listener = Line::open(port)?;
    let mut subscribe = Batch::default();
    subscribe.add(["SUBSCRIBE", channel]);
    listener.send(&subscribe)?;
    listener.skip(1)?;
    let mut takes = Vec::new();
    let mut requests = Vec::new();
    for id in ids {
        let mut request = Batch::default();
        request.add(["MULTI"]);
        request.add(["HSET", keys::JOBS, id, &job("q")]);
        request.add(["RPUSH", keys::WAITING, id]);
        request.add(["PUBLISH", channel, ""]);
        request.add(["EXEC"]);
        requests.push(request);
        let mut take = Batch::default();
        add_take(&mut take, std::slice::from_ref(id));
        takes.push(take);
    }
    thread::scope(|scope| {
        let worker = scope.spawn(move || -> Result<Vec<Instant>> {
            let mut line = Line::open(port)?;
            let mut began = Vec::with_capacity(takes.len());
            for take in &takes {
                listener.skip(1)?;
                line.send(take)?;
                line.skip(take.replies)?;
                began.push(Instant::now());
            }
            Ok(began)
        });
        let mut line = Line::open(port)?;
        let mut asked = Vec::with_capacity(requests.len());
        for request in &requests {
            thread::sleep(pause);
            asked.push(Instant::now());
            line.send(request)?;
            line.skip(request.replies)?;
        }
        let began = worker.join().ok().context("the thread that takes has panicked")??;
        let micros = |(began, asked): (Instant, Instant)| {
            began.saturating_duration_since(asked).as_secs_f64() * 1e6
        };
        Ok(began.into_iter().zip(asked).map(micros).collect())
    })
}
