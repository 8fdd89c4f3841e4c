//! `certmesh key`: the ed25519 keys of nodes and members.

mod new;
mod show;

use std::path::Path;

use certmesh_wire::SecretKey;
use clap::Subcommand;
use zeroize::Zeroizing;

use crate::error::CommandError;
use crate::file;
use crate::session::Session;

/// A PKCS#8 PEM file of an ed25519 key has about 120 bytes.
const KEY_FILE_BYTES: u64 = 16 * 1024;

/// Makes and shows secret keys (offline)
///
/// A member has one root key, kept offline, which signs rosters and manifests. Each node has a node key of its own, which
/// is never copied, backed up or restored.
#[derive(Subcommand)]
pub(super) enum Key {
    New(new::New),
    Show(show::Show),
}

impl Key {
    pub(super) fn run(self, session: &mut Session) -> Result<(), CommandError> {
        match self {
            Self::New(command) => command.run(session),
            Self::Show(command) => command.run(session),
        }
    }
}

/// Reads the secret key in a file.
pub(super) fn read(path: &Path) -> Result<SecretKey, CommandError> {
    let bytes = Zeroizing::new(file::read(path, KEY_FILE_BYTES)?);
    let pem = std::str::from_utf8(&bytes);
    let key = pem
        .map_err(|_| "not text".to_owned())
        .and_then(|text| SecretKey::from_pem(text).map_err(|fault| fault.to_string()));
    key.map_err(|fault| {
        CommandError::refused(format_args!("{} holds no key: {fault}", path.display()))
            .hint("`certmesh key new FILE` makes one; `openssl genpkey -algorithm ed25519` does too")
    })
}
