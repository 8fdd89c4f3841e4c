//! `certmesh watch`: what arrives, as it arrives.

use certmesh_api::{ClientError, Lines, ObjectLine};
use clap::Args;

use crate::error::CommandError;
use crate::objects;
use crate::session::{Session, talk};

/// Prints objects as they arrive, until Ctrl-C
#[derive(Args)]
#[command(after_help = "Examples:
  certmesh watch
  certmesh watch --json | jq .object.pattern")]
pub(crate) struct Watch {}

impl Watch {
    pub(crate) async fn run(self, session: &mut Session) -> Result<(), CommandError> {
        let lines = session.client().watch().await?;
        if !session.json() {
            talk("watching; Ctrl-C ends it");
        }
        tokio::select! {
            watched = print(lines, session) => watched,
            _ = tokio::signal::ctrl_c() => Ok(()),
        }
    }
}

async fn print(mut lines: Lines<ObjectLine>, session: &mut Session) -> Result<(), CommandError> {
    while let Some(line) = lines.next().await? {
        if session.json() {
            session.json_line(&line)?;
        } else {
            session.line(objects::line(&line))?;
        }
        session.flush()?;
    }
    let socket = session.client().socket().to_owned();
    Err(ClientError::Broken { socket, cause: "it was stopped".into() }.into())
}
