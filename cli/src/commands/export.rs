//! `certmesh export`: what the node holds, as a file that anyone can check.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use crate::error::CommandError;
use crate::file::{self, Replacement};
use crate::session::{Session, talk};

/// Writes the node's records to a file that `certmesh verify` checks without a node
///
/// The file appears when it is complete; one of the same name is replaced.
#[derive(Args)]
#[command(after_help = "Examples:
  certmesh export --records backup.records
  certmesh export --records - | ssh archive certmesh verify - --roster roster.cbor")]
pub(crate) struct Export {
    /// Export records: the only thing that there is to export
    #[arg(long, required = true)]
    records: bool,
    /// Where to write, `-` for stdout
    #[arg(default_value = "-")]
    file: PathBuf,
}

impl Export {
    pub(crate) async fn run(self, session: &mut Session) -> Result<(), CommandError> {
        if file::is_dash(&self.file) { to_stdout(session).await } else { to_file(session, &self.file).await }
    }
}

async fn to_stdout(session: &mut Session) -> Result<(), CommandError> {
    if session.is_terminal() {
        return Err(CommandError::usage("records are binary, and stdout is a terminal")
            .hint("name a file: certmesh export --records FILE"));
    }
    let client = session.client();
    Ok(client.export(|piece| session.bytes(piece)).await??)
}

async fn to_file(session: &mut Session, path: &Path) -> Result<(), CommandError> {
    let client = session.client();
    let mut replacement = Replacement::of(path)?;
    let mut bytes = 0;
    let written = client.export(|piece| {
        bytes += piece.len() as u64;
        replacement.write(piece)
    });
    written.await?.map_err(|error| file::unwritable(path, &error))?;
    replacement.finish()?;
    if session.json() {
        session.json_line(&json!({ "file": path.display().to_string(), "bytes": bytes }))?;
    } else {
        talk(format_args!("wrote {} ({bytes} bytes)", path.display()));
    }
    Ok(())
}
