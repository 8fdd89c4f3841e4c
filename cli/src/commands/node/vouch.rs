//! `certmesh node vouch`: lets a node sign though no other member has confirmed where its log ends.

use clap::Args;
use serde_json::json;

use crate::error::CommandError;
use crate::session::{Session, talk};

const RISK: &str = "\
A node that was not stopped cleanly signs only after two other members have confirmed where its log ends.
If you vouch for it, it signs at once. Do so only if you know that its data is not older than what it has
published: not from a backup, and not a copy of a folder that runs elsewhere. If you are wrong, it signs two
histories, every member sees that, and what it has published from there on leaves their views.";

/// Lets the node sign at once, at your risk, without waiting for other members
///
/// Needed only for the first nodes of a mesh, before two others are up; or when no other member can be reached.
#[derive(Args)]
#[command(after_help = "Example:\n  certmesh node vouch")]
pub(crate) struct Vouch {}

impl Vouch {
    pub(crate) async fn run(self, session: &mut Session) -> Result<(), CommandError> {
        let status = session.client().status().await?;
        if !status.signs {
            talk(RISK);
            if !session.confirm(&format!("\nVouch for node {} of {}?", status.node_id, status.member)) {
                return Err(CommandError::refused("not vouched: the answer was no"));
            }
            session.client().vouch().await?;
        }
        if session.json() {
            session.json_line(&json!({ "signs": true }))?;
        } else {
            session.line(if status.signs { "the node signs already" } else { "the node signs" })?;
        }
        Ok(())
    }
}
