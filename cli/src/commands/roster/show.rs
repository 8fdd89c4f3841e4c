//! `certmesh roster show`: what a roster says, and who has signed it.

use std::path::PathBuf;

use clap::Args;

use super::words;
use crate::error::CommandError;
use crate::session::Session;

/// Shows what a roster says, and who has signed it
///
/// Of the first version every signature is checked; compare the mesh id with the other members over another channel. Those on
/// a later version are by the members of the version before: with --after they are checked, and it is said how many are needed.
#[derive(Args)]
#[command(after_help = "Examples:
  certmesh roster show roster.cbor
  certmesh roster show next.cbor --after roster.cbor")]
pub(crate) struct Show {
    /// The roster
    file: PathBuf,
    /// The version before, to check the signatures on a later version than the first
    #[arg(long, value_name = "ROSTER")]
    after: Option<PathBuf>,
}

impl Show {
    pub(crate) fn run(self, session: &mut Session) -> Result<(), CommandError> {
        let signed = super::read(&self.file)?;
        let prev = self.after.as_deref().map(super::read).transpose()?;
        if let Some(prev) = &prev {
            signed.check_follows(prev).and_then(|()| signed.voters(prev)).map_err(super::refused)?;
        }
        if session.json() {
            session.json_line(&words::json(&signed, prev.as_ref()))?;
        } else {
            session.line(words::words(&signed, prev.as_ref()))?;
        }
        Ok(())
    }
}
