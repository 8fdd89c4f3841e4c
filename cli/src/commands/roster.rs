//! `certmesh roster`: who is in the mesh.

mod new;
mod show;
mod sign;
mod words;

use std::path::Path;

use certmesh_wire::SignedRoster;
use certmesh_wire::limits::ROSTER_BYTES;
use clap::Subcommand;

use crate::error::CommandError;
use crate::file;
use crate::session::Session;

/// Makes, shows and signs the roster: who is in the mesh (offline)
///
/// The hash of the first roster is the mesh id. The members agree on it out of band, sign it with their root keys, and give
/// it to their nodes.
#[derive(Subcommand)]
pub(super) enum Roster {
    New(new::New),
    Show(show::Show),
    Sign(sign::Sign),
}

impl Roster {
    pub(super) fn run(self, session: &mut Session) -> Result<(), CommandError> {
        match self {
            Self::New(command) => command.run(session),
            Self::Show(command) => command.run(session),
            Self::Sign(command) => command.run(session),
        }
    }
}

/// Reads a roster and checks the signatures on it.
pub(super) fn read(path: &Path) -> Result<SignedRoster, CommandError> {
    let bytes = file::read(path, ROSTER_BYTES as u64)?;
    SignedRoster::decode(&bytes).map_err(|fault| {
        CommandError::refused(format_args!("{}: {fault}", file::shown(path)))
            .hint("a roster is the file that `certmesh roster new` writes; ask its sender for it again")
    })
}
