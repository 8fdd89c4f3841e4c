//! The command line: what can be typed, and which file does it.

mod check;
mod export;
mod feed;
mod forks;
mod init;
mod key;
mod manifest;
mod node;
mod peers;
mod publish;
mod query;
mod receipts;
mod reindex;
mod revoke;
mod roster;
mod show;
mod status;
mod submit;
mod token;
mod verify;
mod watch;
mod why;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::error::CommandError;
use crate::session::{Everywhere, Session};

/// Shares threat intelligence between national CERTs, without a hub.
///
/// The first group of commands works offline, on files: keys, the roster of members, the manifests of
/// their nodes, and exported records. The others talk to a running node through its Unix socket.
///
/// Data goes to stdout, talk to stderr. Exit codes: 0 done, 1 refused, 2 wrong usage, 3 no node.
#[derive(Parser)]
#[command(name = "certmesh", version, max_term_width = 100, after_help = EXAMPLES)]
pub(crate) struct Cli {
    #[command(flatten)]
    everywhere: Everywhere,
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "Examples:
  certmesh publish report.json --tlp green    share a STIX bundle with every member
  certmesh check evil.example                 ask whether anybody knows a value
  certmesh watch                              see what the others publish, as it arrives";

// A command that talks to a node; the socket may be named before it or after it. No doc comment: clap would show it.
#[derive(Args)]
struct Online<T: Args> {
    #[command(flatten)]
    command: T,
    /// The node's Unix socket [env: CERTMESH_NODE] [default: /run/certmesh/node.sock]
    #[arg(id = "socket", long = "node", value_name = "SOCKET", display_order = 901)]
    node: Option<PathBuf>,
}

impl<T: Args> Online<T> {
    /// The command, after the session has been told its node.
    fn at(self, session: &mut Session) -> T {
        if let Some(node) = self.node {
            session.turn_to(node);
        }
        self.command
    }
}

#[derive(Subcommand)]
enum Command {
    Init(init::Init),
    #[command(subcommand)]
    Key(key::Key),
    #[command(subcommand)]
    Roster(roster::Roster),
    #[command(subcommand)]
    Manifest(manifest::Manifest),
    Verify(verify::Verify),
    Publish(Online<publish::Publish>),
    Revoke(Online<revoke::Revoke>),
    Check(Online<check::Check>),
    Query(Online<query::Query>),
    Show(Online<show::Show>),
    Why(Online<why::Why>),
    Feed(Online<feed::Feed>),
    Watch(Online<watch::Watch>),
    Status(Online<status::Status>),
    Peers(Online<peers::Peers>),
    Forks(Online<forks::Forks>),
    Receipts(Online<receipts::Receipts>),
    Export(Online<export::Export>),
    Reindex(Online<reindex::Reindex>),
    #[command(subcommand)]
    Token(token::Token),
    #[command(subcommand)]
    Node(node::Node),
}

impl Cli {
    /// Does what was typed.
    pub(crate) fn run(self) -> Result<(), CommandError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime
            .map_err(|e| CommandError::refused(format_args!("the system gives no event loop: {e}")))?;
        let mut session = Session::new(self.everywhere);
        runtime.block_on(self.command.run(&mut session))?;
        Ok(session.flush()?)
    }
}

impl Command {
    async fn run(self, session: &mut Session) -> Result<(), CommandError> {
        match self {
            Self::Init(command) => command.run(session),
            Self::Key(command) => command.run(session),
            Self::Roster(command) => command.run(session).await,
            Self::Manifest(command) => command.run(session).await,
            Self::Verify(command) => command.run(session),
            Self::Publish(command) => command.at(session).run(session).await,
            Self::Revoke(command) => command.at(session).run(session).await,
            Self::Check(command) => command.at(session).run(session).await,
            Self::Query(command) => command.at(session).run(session).await,
            Self::Show(command) => command.at(session).run(session).await,
            Self::Why(command) => command.at(session).run(session).await,
            Self::Feed(command) => command.at(session).run(session).await,
            Self::Watch(command) => command.at(session).run(session).await,
            Self::Status(command) => command.at(session).run(session).await,
            Self::Peers(command) => command.at(session).run(session).await,
            Self::Forks(command) => command.at(session).run(session).await,
            Self::Receipts(command) => command.at(session).run(session).await,
            Self::Export(command) => command.at(session).run(session).await,
            Self::Reindex(command) => command.at(session).run(session).await,
            Self::Token(command) => command.run(session).await,
            Self::Node(command) => command.run(session).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        super::Cli::command().debug_assert();
    }
}
