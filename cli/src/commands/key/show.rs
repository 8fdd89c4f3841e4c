//! `certmesh key show`: the public half of a secret key.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use certmesh_wire::SecretKey;
use clap::Args;
use serde_json::json;

use crate::error::CommandError;
use crate::passphrase::PassphraseSource;
use crate::session::{Session, talk};

/// Prints the public half of a secret key
#[derive(Args)]
#[command(after_help = "Example:\n  certmesh key show sg-root.key")]
pub(crate) struct Show {
    /// The secret key, as `key new` wrote it
    file: PathBuf,
    #[command(flatten)]
    passphrase: PassphraseSource,
}

impl Show {
    pub(crate) fn run(self, session: &mut Session) -> Result<(), CommandError> {
        let key = super::read(&self.file, &self.passphrase)?;
        warn_if_exposed(&self.file);
        print(session, &key)
    }
}

fn warn_if_exposed(path: &Path) {
    let exposed = fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o077 != 0);
    if exposed {
        let path = path.display();
        talk(format_args!("warning: {path} is open to others than its owner; run: chmod 600 {path}"));
    }
}

/// Prints a key's public half.
pub(super) fn print(session: &mut Session, key: &SecretKey) -> Result<(), CommandError> {
    let public = key.node_id().to_string();
    if session.json() {
        session.json_line(&json!({ "public_key": public }))?;
    } else {
        session.line(public)?;
    }
    Ok(())
}
