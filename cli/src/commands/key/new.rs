//! `certmesh key new`: makes a secret key.

use std::path::PathBuf;

use certmesh_wire::SecretKey;
use clap::Args;
use zeroize::Zeroizing;

use crate::error::CommandError;
use crate::file;
use crate::passphrase::PassphraseSource;
use crate::session::{Session, talk};

/// Makes a secret key, and prints its public half
///
/// The file is PKCS#8 PEM, readable by its owner alone, and never overwrites another. Root keys belong encrypted; a node's
/// key can't be, since the node starts without anybody there.
#[derive(Args)]
#[command(after_help = "Examples:
  certmesh key new sg-root.key --encrypt      on a machine without a network
  certmesh key new node.key                   on the node")]
pub(crate) struct New {
    /// Where to write it
    file: PathBuf,
    /// Encrypt it with a passphrase, which is asked for
    #[arg(long)]
    encrypt: bool,
    #[command(flatten)]
    passphrase: PassphraseSource,
}

impl New {
    pub(crate) fn run(self, session: &mut Session) -> Result<(), CommandError> {
        if self.passphrase.is_given() && !self.encrypt {
            return Err(CommandError::usage(
                "--passphrase-file is for a key that is encrypted: add --encrypt",
            ));
        }
        let key = SecretKey::generate().map_err(CommandError::refused)?;
        file::create(&self.file, self.pem(&key)?.as_bytes(), 0o600)?;
        talk(format_args!("wrote the secret key {}; this is its public half", self.file.display()));
        super::show::print(session, &key)
    }

    fn pem(&self, key: &SecretKey) -> Result<Zeroizing<String>, CommandError> {
        if !self.encrypt {
            return Ok(key.to_pem());
        }
        let passphrase = self.passphrase.chosen(&self.file)?;
        key.to_encrypted_pem(passphrase.as_bytes()).map_err(CommandError::refused)
    }
}
