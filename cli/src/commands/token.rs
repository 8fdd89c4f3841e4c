//! `certmesh token`: what lets SOC tools read from a node.

mod create;
mod list;
mod revoke;

use certmesh_api::TokenEntry;
use certmesh_intel::display::safe;
use clap::Subcommand;

use super::Online;
use crate::error::CommandError;
use crate::session::Session;

/// Makes, lists and revokes the tokens with which SOC tools read from a node
#[derive(Subcommand)]
pub(crate) enum Token {
    Create(Online<create::Create>),
    List(Online<list::List>),
    Revoke(Online<revoke::Revoke>),
}

impl Token {
    pub(crate) async fn run(self, session: &mut Session) -> Result<(), CommandError> {
        match self {
            Self::Create(command) => command.at(session).run(session).await,
            Self::List(command) => command.at(session).run(session).await,
            Self::Revoke(command) => command.at(session).run(session).await,
        }
    }
}

/// What a token may be used for, in one line.
fn scopes(token: &TokenEntry) -> String {
    let words = token.scopes.iter().map(|scope| safe(scope, 20));
    let exercise = token.exercise.then(|| "exercise feeds".to_owned());
    words.chain(exercise).collect::<Vec<_>>().join(", ")
}

/// Where a token may be used from, in one line.
fn networks(token: &TokenEntry) -> String {
    let words: Vec<_> = token.networks.iter().map(|network| safe(network, 50)).collect();
    if words.is_empty() { "anywhere".to_owned() } else { words.join(", ") }
}
