//! `certmesh key`: the ed25519 keys of nodes and members.

mod encrypt;
mod new;
mod show;

use std::path::Path;

use certmesh_wire::{KeyFault, SecretKey};
use clap::Subcommand;
use zeroize::Zeroizing;

use crate::error::CommandError;
use crate::file;
use crate::passphrase::PassphraseSource;
use crate::session::Session;

/// A PKCS#8 PEM file of an ed25519 key has about 120 bytes, and 400 if it is encrypted.
const KEY_FILE_BYTES: u64 = 16 * 1024;

/// Makes, encrypts and shows secret keys (offline)
///
/// A member has one root key, kept offline and encrypted, which signs rosters and manifests. Each node has a node key of its
/// own, which is never copied, backed up or restored.
#[derive(Subcommand)]
pub(super) enum Key {
    New(new::New),
    Encrypt(encrypt::Encrypt),
    Show(show::Show),
}

impl Key {
    pub(super) fn run(self, session: &mut Session) -> Result<(), CommandError> {
        match self {
            Self::New(command) => command.run(session),
            Self::Encrypt(command) => command.run(session),
            Self::Show(command) => command.run(session),
        }
    }
}

/// Reads the secret key in a file, with its passphrase if it is encrypted.
pub(super) fn read(path: &Path, passphrase: &PassphraseSource) -> Result<SecretKey, CommandError> {
    let pem = text(path)?;
    let key = match SecretKey::is_encrypted(&pem) {
        false => SecretKey::from_pem(&pem),
        true => SecretKey::from_encrypted_pem(&pem, passphrase.opening(path)?.as_bytes()),
    };
    key.map_err(|fault| unusable(path, &fault))
}

/// The PEM text of a key file.
fn text(path: &Path) -> Result<Zeroizing<String>, CommandError> {
    let bytes = Zeroizing::new(file::read(path, KEY_FILE_BYTES)?);
    match std::str::from_utf8(&bytes) {
        Ok(text) => Ok(Zeroizing::new(text.to_owned())),
        Err(_) => Err(unusable(path, &KeyFault::NotAKey("not text".to_owned()))),
    }
}

fn unusable(path: &Path, fault: &KeyFault) -> CommandError {
    let path = path.display();
    match fault {
        KeyFault::WrongPassphrase => CommandError::refused(format_args!("{path} stays closed: {fault}"))
            .hint("type it again; without the passphrase nobody can open the key, and the member needs another one"),
        KeyFault::NotAKey(_) => CommandError::refused(format_args!("{path} holds no key: {fault}"))
            .hint("`certmesh key new FILE` makes one; `openssl genpkey -algorithm ed25519` does too"),
        _ => CommandError::refused(format_args!("{path}: {fault}")),
    }
}
