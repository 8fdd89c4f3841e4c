//! `certmesh key new`: makes a secret key.

use std::path::PathBuf;

use certmesh_wire::SecretKey;
use clap::Args;

use crate::error::CommandError;
use crate::file;
use crate::session::{Session, talk};

/// Makes a secret key, and prints its public half
///
/// The file is PKCS#8 PEM, readable by its owner alone, and never overwrites another.
#[derive(Args)]
#[command(after_help = "Example:\n  certmesh key new sg-root.key")]
pub(crate) struct New {
    /// Where to write it
    file: PathBuf,
}

impl New {
    pub(crate) fn run(self, session: &mut Session) -> Result<(), CommandError> {
        let key = SecretKey::generate().map_err(CommandError::refused)?;
        file::create(&self.file, key.to_pem().as_bytes(), 0o600)?;
        talk(format_args!("wrote the secret key {}; this is its public half", self.file.display()));
        super::show::print(session, &key)
    }
}
