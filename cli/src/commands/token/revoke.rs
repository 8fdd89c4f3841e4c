//! `certmesh token revoke`: a token opens nothing any more.

use certmesh_intel::display::safe;
use clap::Args;

use crate::error::CommandError;
use crate::session::{Session, talk};

/// Revokes a token: what is being read with it ends at once
#[derive(Args)]
#[command(after_help = "Examples:
  certmesh token revoke splunk
  certmesh token revoke 0123456789ab")]
pub(crate) struct Revoke {
    /// Its name, its id as `certmesh token list` shows it, or the token itself
    token: String,
}

impl Revoke {
    pub(crate) async fn run(self, session: &mut Session) -> Result<(), CommandError> {
        let revoked = session.client().revoke_token(&self.token).await?;
        if session.json() {
            session.json_line(&revoked)?;
        } else {
            talk(format_args!("the token of {} opens nothing any more", safe(&revoked.entry.name, 64)));
        }
        if !revoked.kept {
            talk(format_args!(
                "the disk is full: the node writes this as soon as there is room; if it ends before, the token holds \
                 again, so revoke it again then"
            ));
        }
        Ok(())
    }
}
