//! `certmesh roster merge`: puts the signatures on several copies of a roster together.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::words;
use crate::error::CommandError;
use crate::file;
use crate::session::{Session, talk};

/// Puts the signatures on several copies of one roster together
///
/// The copies may come from the members in any order, each with any signatures on it. With --after every signature is
/// checked, and it is said how many are missing.
#[derive(Args)]
#[command(after_help = "Example:
  certmesh roster merge from-sg.cbor from-my.cbor --after roster.cbor --out next.cbor")]
pub(crate) struct Merge {
    /// The copies
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// The version before, to check the signatures
    #[arg(long, value_name = "ROSTER")]
    after: Option<PathBuf>,
    /// Where to write them all; a file of that name is replaced
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

impl Merge {
    pub(crate) fn run(self, session: &mut Session) -> Result<(), CommandError> {
        let prev = self.after.as_deref().map(super::read).transpose()?;
        let mut merged = None;
        for path in &self.files {
            let in_file = |fault| super::refused(fault).after(file::shown(path));
            let copy = super::read(path)?;
            if let Some(prev) = &prev {
                copy.check_follows(prev).and_then(|()| copy.voters(prev)).map_err(in_file)?;
            }
            match &mut merged {
                None => merged = Some(copy),
                Some(merged) => merged.merge(&copy).map_err(in_file)?,
            }
        }
        let merged = merged.ok_or_else(|| CommandError::usage("there is nothing to merge"))?;
        file::replace(&self.out, &merged.encode())?;
        talk(format_args!("wrote {}", self.out.display()));
        if session.json() {
            let signers: Vec<_> = merged.signers().map(|code| code.to_string()).collect();
            session.json_line(&json!({ "document": merged.id().to_string(), "signed": signers }))?;
        } else {
            session.line(format_args!("signed {}", words::signatures(&merged, prev.as_ref())))?;
        }
        Ok(())
    }
}
