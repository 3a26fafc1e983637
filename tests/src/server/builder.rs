//! The settings of a server before it starts.

/// Settings of a [`Server`](super::Server) that is not started yet.
#[derive(Debug, Clone, Default)]
#[must_use = "a builder does nothing until `start` is called"]
pub struct Builder {
    args: Vec<(String, String)>,
    append_only: bool,
    pub(super) settable_clock: bool,
    pub(super) password: Option<String>,
}

impl Builder {
    /// Adds one configuration option and its value, as in `.arg("--maxmemory", "3mb")`.
    ///
    /// These options come last, so they win over the defaults of the kit.
    pub fn arg(mut self, name: &str, value: &str) -> Self {
        self.args.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Writes every change to the append-only file before the reply goes out, so that data
    /// outlives [`Server::kill`](super::Server::kill).
    pub fn append_only(mut self, on: bool) -> Self {
        self.append_only = on;
        self
    }

    /// Allows [`Server::set_clock`](super::Server::set_clock), with a small library that is
    /// compiled by `cc` and preloaded into the server. Linux only.
    pub fn settable_clock(mut self, on: bool) -> Self {
        self.settable_clock = on;
        self
    }

    /// Makes clients authenticate with this password.
    ///
    /// # Panics
    ///
    /// Panics unless the password is made of ASCII letters and digits, because
    /// [`Server::url`](super::Server::url) contains it without escapes.
    pub fn password(mut self, password: &str) -> Self {
        assert!(
            password.bytes().all(|byte| byte.is_ascii_alphanumeric()),
            "the password `{password}` should be made of letters and digits only"
        );
        self.password = Some(password.to_owned());
        self
    }

    /// The arguments of the server program for a given port and working directory.
    pub(super) fn command_line(&self, port: u16, directory: &str) -> Vec<String> {
        let port = port.to_string();
        let mut options = vec![
            ("--port", port.as_str()),
            ("--bind", "127.0.0.1"),
            ("--dir", directory),
            ("--save", ""),
            ("--appendonly", if self.append_only { "yes" } else { "no" }),
            ("--appendfsync", "always"),
        ];
        if let Some(password) = &self.password {
            options.push(("--requirepass", password));
        }
        options.extend(self.args.iter().map(|(name, value)| (&**name, &**value)));
        let words = options.into_iter().flat_map(|(name, value)| [name, value]);
        words.map(str::to_owned).collect()
    }
}
