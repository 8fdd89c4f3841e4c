//! `certmesh roster sign`: adds a member's signature to a roster.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::words;
use crate::commands::key;
use crate::error::CommandError;
use crate::file;
use crate::session::{Session, talk};

/// Signs a roster with a member's root key, in place
///
/// Shows what is signed and, at a terminal, asks first. The signatures of the other members stay on it.
#[derive(Args)]
#[command(after_help = "Example:\n  certmesh roster sign roster.cbor --key sg-root.key")]
pub(crate) struct Sign {
    /// The roster
    file: PathBuf,
    /// The member's root key
    #[arg(long, value_name = "ROOTKEY")]
    key: PathBuf,
}

impl Sign {
    pub(crate) fn run(self, session: &mut Session) -> Result<(), CommandError> {
        let mut signed = super::read(&self.file)?;
        let key = key::read(&self.key)?;
        talk(words::words(&signed));
        let code = signed.sign(&key).map_err(|fault| {
            CommandError::refused(fault).hint("sign with the root key whose public half is in the roster")
        })?;
        if !session.confirm(&format!("\nSign this roster for {code}?")) {
            return Err(CommandError::refused("not signed: the answer was no"));
        }
        file::replace(&self.file, &signed.encode())?;
        if session.json() {
            session.json_line(&json!({ "mesh_id": signed.mesh().to_string(), "member": code.as_str() }))?;
        } else {
            session.line(format_args!("signed for {code}; signed {}", words::signatures(&signed)))?;
        }
        Ok(())
    }
}
