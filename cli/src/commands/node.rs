//! `certmesh node`: what an operator tells a node about itself, and what a node asks of its member.

mod request;
mod vouch;

use clap::Subcommand;

use super::Online;
use crate::error::CommandError;
use crate::session::Session;

/// Tells a node something about itself, or asks for it to be let in
#[derive(Subcommand)]
pub(crate) enum Node {
    Request(request::Request),
    Vouch(Online<vouch::Vouch>),
}

impl Node {
    pub(crate) async fn run(self, session: &mut Session) -> Result<(), CommandError> {
        match self {
            Self::Request(command) => command.run(session),
            Self::Vouch(command) => command.at(session).run(session).await,
        }
    }
}
