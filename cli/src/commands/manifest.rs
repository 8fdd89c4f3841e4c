//! `certmesh manifest`: which nodes a member runs.

mod new;
mod show;

use clap::Subcommand;

use crate::error::CommandError;
use crate::session::Session;

/// Makes and shows manifests: which nodes a member runs (offline)
///
/// A manifest names a member's node keys and where they can be reached, and is signed with the member's root key. A node
/// that is on no manifest can't join.
#[derive(Subcommand)]
pub(super) enum Manifest {
    New(new::New),
    Show(show::Show),
}

impl Manifest {
    pub(super) fn run(self, session: &mut Session) -> Result<(), CommandError> {
        match self {
            Self::New(command) => command.run(session),
            Self::Show(command) => command.run(session),
        }
    }
}
