//! `certmesh receipts`: which members' nodes hold a record, and since when.

use certmesh_api::{Holder, RecordReceipts};
use certmesh_intel::display::safe;
use clap::Args;

use crate::error::CommandError;
use crate::session::Session;
use crate::table::{short, table};
use crate::time;

/// Shows which members' nodes hold an object or a record, since when, and which don't yet
///
/// Each node tells the others how far it is, every few seconds; what it has told is a receipt. A time is when
/// this node heard of it. Of an object, the record of its newest version counts, of each member that publishes it.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  certmesh receipts indicator--9f5e5d7a-6f4c-4b6d-9a55-0e8b5b0f3a11\n  certmesh receipts 4be3a1…   (a record's 64 hexadecimal digits)"
)]
pub(crate) struct Receipts {
    /// A STIX id, or a record's id
    #[arg(value_name = "STIX-ID|RECORD-ID")]
    id: String,
}

impl Receipts {
    pub(crate) async fn run(self, session: &mut Session) -> Result<(), CommandError> {
        let found = session.client().receipts(&self.id).await?;
        if session.json() {
            return Ok(session.json_line(&found)?);
        }
        for record in &found.records {
            session.line(summary(record))?;
            session.line(table(
                &["MEMBER", "CERT", "NODE", "HOLDS IT", "SINCE"],
                record.nodes.iter().map(row),
            ))?;
        }
        Ok(())
    }
}

fn summary(record: &RecordReceipts) -> String {
    let missing: Vec<_> = record.nodes.iter().filter(|node| node.since_ms.is_none()).collect();
    let all = record.nodes.len();
    let held = all - missing.len();
    let head = format!(
        "record {}, place {} of a log of {}, {}: {held} of {all} other nodes hold it",
        safe(&record.record, 64),
        record.seq,
        safe(&record.member, 8),
        time::shown(record.created_ms)
    );
    if missing.is_empty() {
        return head;
    }
    let names = missing.iter().map(|node| format!("{} {}", safe(&node.member, 8), short(&node.node_id)));
    format!("{head}; not yet: {}", names.collect::<Vec<_>>().join(", "))
}

fn row(node: &Holder) -> Vec<String> {
    vec![
        safe(&node.member, 8),
        safe(&node.cert, 40),
        short(&node.node_id),
        if node.since_ms.is_some() { "yes" } else { "not yet" }.to_owned(),
        node.since_ms.map_or_else(String::new, time::shown),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_those_that_lack_it() {
        let json = r#"{"record":"0123456789abcdef0123","member":"SG","node_id":"aa","seq":4,"created_ms":86400000,"nodes":[
            {"member":"MY","cert":"MyCERT","node_id":"0123456789abcdef","since_ms":86401000},
            {"member":"VN","cert":"VNCERT/CC","node_id":"fedcba9876543210","since_ms":null}]}"#;
        let record: RecordReceipts = serde_json::from_str(json).unwrap();
        assert_eq!(
            summary(&record),
            "record 0123456789abcdef0123, place 4 of a log of SG, 1970-01-02 00:00:00Z: 1 of 2 other nodes hold it; not yet: VN fedcba98"
        );
        insta::assert_snapshot!(
            table(&["MEMBER", "CERT", "NODE", "HOLDS IT", "SINCE"], record.nodes.iter().map(row)), @r"
        MEMBER  CERT       NODE      HOLDS IT  SINCE
        MY      MyCERT     01234567  yes       1970-01-02 00:00:01Z
        VN      VNCERT/CC  fedcba98  not yet
        ");
    }
}
