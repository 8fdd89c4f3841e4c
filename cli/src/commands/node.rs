//! `certmesh node`: what an operator tells a node about itself.

mod vouch;

use clap::Subcommand;

use crate::error::CommandError;
use crate::session::Session;

/// Tells a node something about itself
#[derive(Subcommand)]
pub(crate) enum Node {
    Vouch(vouch::Vouch),
}

impl Node {
    pub(crate) async fn run(self, session: &mut Session) -> Result<(), CommandError> {
        match self {
            Self::Vouch(command) => command.run(session).await,
        }
    }
}
