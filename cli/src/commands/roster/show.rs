//! `certmesh roster show`: what a roster says, and who has signed it.

use std::path::PathBuf;

use clap::Args;

use super::words;
use crate::error::CommandError;
use crate::session::Session;

/// Shows what a roster says, and who has signed it
///
/// Every signature on it is checked. Compare the mesh id with the other members over another channel.
#[derive(Args)]
#[command(after_help = "Example:\n  certmesh roster show roster.cbor")]
pub(crate) struct Show {
    /// The roster
    file: PathBuf,
}

impl Show {
    pub(crate) fn run(self, session: &mut Session) -> Result<(), CommandError> {
        let signed = super::read(&self.file)?;
        if session.json() {
            session.json_line(&words::json(&signed))?;
        } else {
            session.line(words::words(&signed))?;
        }
        Ok(())
    }
}
