//! `certmesh roster diff`: what changes from one version to the next, in words.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::{changes, words};
use crate::error::CommandError;
use crate::session::Session;

/// Says in words what changes from one version of the roster to the next
#[derive(Args)]
#[command(after_help = "Example:\n  certmesh roster diff roster.cbor next.cbor")]
pub(crate) struct Diff {
    /// The version before
    before: PathBuf,
    /// The version after it
    after: PathBuf,
}

impl Diff {
    pub(crate) fn run(self, session: &mut Session) -> Result<(), CommandError> {
        let (before, after) = (super::read(&self.before)?, super::read(&self.after)?);
        after.check_follows(&before).map_err(super::refused)?;
        if session.json() {
            let changes = changes::changes(before.roster(), after.roster());
            session.json_line(&json!({
                "mesh_id": after.mesh().to_string(),
                "version": after.roster().version,
                "round": after.roster().round,
                "document": after.id().to_string(),
                "changes": changes,
            }))?;
        } else {
            session.line(words::step(&before, &after))?;
        }
        Ok(())
    }
}
