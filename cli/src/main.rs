//! `certmesh`, the operators' command: keys, rosters and manifests offline; publishing and looking up at a node.
//!
//! Each command is a file in `commands`, named as it is typed. What they share is here: [`session`] is where they speak,
//! [`error`] is how they fail. Nothing here knows of the store or the mesh: what is online goes through the node's socket.

mod address;
mod commands;
mod error;
mod file;
mod layout;
mod log_ends;
mod objects;
mod passphrase;
mod progress;
mod request;
mod session;
mod table;
mod time;
mod votes;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    match commands::Cli::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => error.report(),
    }
}
