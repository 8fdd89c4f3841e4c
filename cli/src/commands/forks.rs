//! `certmesh forks`: the keys that have signed two histories.

use certmesh_api::Fork;
use certmesh_intel::display::safe;
use clap::Args;

use crate::error::CommandError;
use crate::session::{Session, talk};
use crate::table::{short, table, yes_no};

/// Lists the logs whose key has signed two histories, with the two records that prove it
///
/// What such a log holds before the fork counts; what comes from there on does not, on any node, until the member
/// whose key it is settles it. Two histories mean that a key was stolen or copied, or that a node was restored from
/// a backup.
#[derive(Args)]
#[command(after_help = "Example:\n  certmesh forks")]
pub(crate) struct Forks {}

impl Forks {
    pub(crate) async fn run(self, session: &mut Session) -> Result<(), CommandError> {
        let found = session.client().forks().await?;
        if session.json() {
            session.json_line(&found)?;
        } else if found.forks.is_empty() {
            talk("no forks: every key has signed one history");
        } else {
            session.line(table(
                &["MEMBER", "NODE", "LOG", "SEQ", "SETTLED", "RECORDS"],
                found.forks.iter().map(row),
            ))?;
        }
        Ok(())
    }
}

fn row(fork: &Fork) -> Vec<String> {
    let records = fork.records.each_ref().map(|record| safe(record, 64)).join("\n");
    vec![
        safe(&fork.member, 8),
        short(&fork.node_id),
        short(&fork.log),
        fork.seq.to_string(),
        yes_no(fork.settled).to_owned(),
        records,
    ]
}
