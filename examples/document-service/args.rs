//! The command line.

use metastore_examples::server::ServerArgs;

/// Serves documents over HTTP until Ctrl-C or SIGTERM.
#[derive(Clone, Debug, clap::Parser)]
#[command(version)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) server: ServerArgs,

    /// Where to listen; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    pub(crate) listen: String,

    /// The most bytes of a request's body.
    #[arg(long, value_name = "BYTES", default_value_t = 1 << 20)]
    pub(crate) max_body: usize,

    /// How many seconds a client may take for the line and the headers of a request, and between
    /// two requests.
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    pub(crate) head_timeout: u64,

    /// How many seconds a client may take for a request's body.
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    pub(crate) body_timeout: u64,

    /// How many seconds requests have to end once the service is asked to.
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    pub(crate) grace: u64,

    /// Refuse changes that do not say by `If-Match` which version they are meant for.
    #[arg(long)]
    pub(crate) require_match: bool,
}
