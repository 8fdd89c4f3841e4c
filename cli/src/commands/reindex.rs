//! `certmesh reindex`: has the node make its index anew.

use clap::Args;
use serde_json::json;

use crate::error::CommandError;
use crate::session::{Session, talk};

/// Has the node rebuild its index from its records, with its next start
///
/// The index is what questions, lists and TAXII are answered from. A node rebuilds it by itself when a newer version keeps
/// it in another way; this is for when you doubt it. Records are not touched. The node answers nothing until it is done:
/// about a minute for a million objects.
#[derive(Args)]
#[command(after_help = "Example:
  certmesh reindex && systemctl restart certmesh-node")]
pub(crate) struct Reindex {}

impl Reindex {
    pub(crate) async fn run(self, session: &mut Session) -> Result<(), CommandError> {
        session.client().reindex().await?;
        if session.json() {
            return Ok(session.json_line(&json!({ "reindex": "with the next start" }))?);
        }
        session.line("the node rebuilds its index with its next start")?;
        session.flush()?;
        talk("restart it when it suits you: systemctl restart certmesh-node");
        Ok(())
    }
}
