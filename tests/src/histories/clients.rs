//! The processes of a history.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::{Child, Command};

use super::client_options::ClientOptions;
use super::log;
use super::record::Call;

/// How many processes may be killed in one history.
const MAX_KILLS: u32 = 3;

/// Client processes, each behind a proxy of its own.
pub(super) struct Clients {
    program: String,
    directory: PathBuf,
    /// Their options, with the addresses of their proxies.
    slots: Vec<(ClientOptions, Child)>,
    started: u32,
    kills: u32,
    pub(super) problems: Vec<String>,
}

impl Clients {
    pub(super) fn start(
        program: &str,
        directory: &Path,
        urls: Vec<String>,
        options: &ClientOptions,
    ) -> Self {
        let mut clients = Self {
            program: program.to_owned(),
            directory: directory.to_owned(),
            slots: Vec::new(),
            started: 0,
            kills: 0,
            problems: Vec::new(),
        };
        for url in urls {
            let started = clients.spawn(ClientOptions { url, ..options.clone() });
            clients.slots.push(started);
        }
        clients
    }

    fn path(&self, process: u32) -> PathBuf {
        self.directory.join(format!("{process}.log"))
    }

    fn spawn(&mut self, mut options: ClientOptions) -> (ClientOptions, Child) {
        options.process = self.started;
        options.log = self.path(self.started);
        options.seed = options.seed.wrapping_mul(31).wrapping_add(self.started.into());
        self.started += 1;
        let text = serde_json::to_string(&options).expect("options can be written as JSON");
        let child = Command::new(&self.program)
            .args(["client", &text])
            .stdout(Stdio::null())
            .stderr(Stdio::inherit())
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| panic!("{} cannot be started: {error}", self.program));
        (options, child)
    }

    /// Whether all have made their calls.
    pub(super) fn have_ended(&mut self) -> bool {
        self.slots.iter_mut().all(|(_, child)| matches!(child.try_wait(), Ok(Some(_))))
    }

    /// Kills one that is not done, and replaces it by another that makes half as many calls.
    /// Returns whether there was one to kill.
    pub(super) async fn kill_one(&mut self, random: &mut fastrand::Rng) -> bool {
        let slot = random.usize(..self.slots.len());
        let (options, child) = &mut self.slots[slot];
        let runs = matches!(child.try_wait(), Ok(None));
        if !runs || self.kills == MAX_KILLS || child.kill().await.is_err() {
            return false;
        }
        self.kills += 1;
        let options = ClientOptions { calls: options.calls / 2, ..options.clone() };
        self.slots[slot] = self.spawn(options);
        true
    }

    /// Waits for all, and kills those that do not end.
    pub(super) async fn end(&mut self) {
        for (options, child) in &mut self.slots {
            let process = options.process;
            match child.try_wait() {
                Ok(Some(status)) if status.success() => {}
                Ok(Some(status)) => {
                    self.problems.push(format!("process {process} ended with {status}"));
                }
                _ => {
                    self.problems.push(format!("process {process} does not end"));
                    let _ = child.kill().await;
                }
            }
        }
    }

    /// The recorded calls. A process that was killed before it connected has recorded none.
    pub(super) fn calls(&self) -> Vec<Call> {
        (0..self.started)
            .filter(|process| self.path(*process).exists())
            .flat_map(|process| {
                log::read(&self.path(process), process)
                    .unwrap_or_else(|error| panic!("log of process {process}: {error}"))
            })
            .collect()
    }
}
