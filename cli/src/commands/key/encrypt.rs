//! `certmesh key encrypt`: puts a passphrase on a key that has none.

use std::path::PathBuf;

use certmesh_wire::SecretKey;
use clap::Args;

use crate::error::CommandError;
use crate::file;
use crate::passphrase::PassphraseSource;
use crate::session::{Session, talk};

/// Encrypts a secret key with a passphrase, in place
///
/// For root keys. The file is PKCS#8 still (scrypt and AES-256-CBC), and `openssl pkey` opens it too. What stood on the disk
/// before may be readable there until it is overwritten: a key that was always encrypted is better.
#[derive(Args)]
#[command(after_help = "Example:\n  certmesh key encrypt sg-root.key")]
pub(crate) struct Encrypt {
    /// The secret key, as `key new` wrote it
    file: PathBuf,
    #[command(flatten)]
    passphrase: PassphraseSource,
}

impl Encrypt {
    pub(crate) fn run(self, session: &mut Session) -> Result<(), CommandError> {
        let pem = super::text(&self.file)?;
        let key = SecretKey::from_pem(&pem).map_err(|fault| super::unusable(&self.file, &fault))?;
        let passphrase = self.passphrase.chosen(&self.file)?;
        let sealed = key.to_encrypted_pem(passphrase.as_bytes()).map_err(CommandError::refused)?;
        file::replace(&self.file, sealed.as_bytes())?;
        talk(format_args!(
            "{} takes its passphrase from here on; this is its public half",
            self.file.display()
        ));
        super::show::print(session, &key)
    }
}
