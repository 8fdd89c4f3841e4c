//! What the node says of itself: log lines on stderr, for people or for machines.

use std::io::{IsTerminal, Write};

use tracing_subscriber::EnvFilter;

use crate::config::{Log, LogFormat};

/// Starts logging as the configuration says. Libraries below the node speak up from
/// `warn` on, and gossipsub, which warns of every duplicate, from `error` on.
pub(crate) fn start(log: &Log) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let level = log.level.word();
    let rooms = ["node", "mesh", "store", "engine"].map(|room| format!("certmesh_{room}={level}"));
    let filter = EnvFilter::builder().parse(format!("warn,libp2p_gossipsub=error,{}", rooms.join(",")))?;
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match log.format {
        LogFormat::Human => {
            subscriber.with_ansi(std::io::stderr().is_terminal()).with_target(false).try_init()
        }
        LogFormat::Json => subscriber.json().flatten_event(true).try_init(),
    }
}

/// The last words of a node that can't start or go on.
pub(crate) fn say_failure(failure: &(dyn std::error::Error + 'static)) {
    let mut text = format!("error: {failure}\n");
    let mut cause = failure.source();
    while let Some(inner) = cause {
        text.push_str(&format!("  because: {inner}\n"));
        cause = inner.source();
    }
    // Nobody is left to tell if stderr is closed.
    let _ = std::io::stderr().write_all(text.as_bytes());
}
