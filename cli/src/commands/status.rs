//! `certmesh status`: how the node is.

use certmesh_api::{PeerState, Status as NodeStatus};
use certmesh_intel::display::safe;
use clap::Args;

use super::peers::behind as behind_by;
use crate::error::CommandError;
use crate::session::Session;
use crate::table::{count, list, short};

/// Shows how the node is: what it holds, whom it is connected to, what needs attention
#[derive(Args)]
#[command(after_help = "Example:\n  certmesh status")]
pub(crate) struct Status {}

impl Status {
    pub(crate) async fn run(self, session: &mut Session) -> Result<(), CommandError> {
        let status = session.client().status().await?;
        if session.json() {
            session.json_line(&status)?;
        } else {
            session.line(words(&status))?;
        }
        Ok(())
    }
}

fn words(status: &NodeStatus) -> String {
    let facts = list(&[
        ("mesh", mesh(status)),
        ("node", format!("{} of {}", safe(&status.node_id, 64), safe(&status.member, 8))),
        ("roster", roster(status)),
        ("version", safe(&status.version, 40)),
        ("signs", if status.signs { "yes".to_owned() } else { "not yet: see the alarm".to_owned() }),
        ("holds", holds(status)),
        ("peers", peers(status)),
        ("soc", soc(status)),
        ("refused", refused(status)),
        (
            "alarms",
            if status.alarms.is_empty() { "none".to_owned() } else { status.alarms.len().to_string() },
        ),
    ]);
    let alarms = status.alarms.iter().map(|alarm| format!("\nALARM: {}", safe(alarm, 400)));
    format!("{facts}{}", alarms.collect::<String>())
}

fn mesh(status: &NodeStatus) -> String {
    let exercise = if status.exercise { ", an EXERCISE: nothing in it is real" } else { "" };
    format!("{} ({}){exercise}", safe(&status.mesh_name, 256), safe(&status.mesh, 64))
}

fn roster(status: &NodeStatus) -> String {
    let confirmed = count(status.roster_confirmed_by, "other member");
    format!(
        "version {} ({}), the same with {confirmed}",
        status.roster_version,
        safe(&status.roster_document, 64)
    )
}

fn holds(status: &NodeStatus) -> String {
    let (objects, records) = (count(status.objects, "object"), count(status.records, "record"));
    format!("{objects} ({}) in {records}", count(status.indicators, "indicator"))
}

fn peers(status: &NodeStatus) -> String {
    let connected = status.peers.iter().filter(|peer| peer.connected).count();
    let away: Vec<_> = status.peers.iter().filter(|peer| !peer.connected).collect();
    let mut words = format!("{connected} of {} connected", status.peers.len());
    if !away.is_empty() {
        let away = away.iter().map(|peer| name(peer));
        words.push_str(&format!("; not connected: {}", away.collect::<Vec<_>>().join(", ")));
    }
    let is_behind = |peer: &&PeerState| peer.behind_records.is_some_and(|records| records > 0);
    let behind = status.peers.iter().filter(is_behind);
    let behind =
        behind.map(|peer| format!("{} ({})", name(peer), behind_by(peer.behind_records, peer.behind_ms)));
    let behind: Vec<_> = behind.collect();
    if !behind.is_empty() {
        words.push_str(&format!("; behind: {}", behind.join(", ")));
    }
    words
}

/// Where the node listens for SOC tools.
fn soc(status: &NodeStatus) -> String {
    let urls: Vec<_> = status.soc_urls.iter().map(|url| safe(url, 100)).collect();
    let tokens = count(status.soc_tokens, "token");
    if urls.is_empty() {
        return format!("tools are not served; {tokens} would let them read");
    }
    let verb = if status.soc_tokens == 1 { "lets" } else { "let" };
    format!("listens at {}; {tokens} {verb} tools read", urls.join(", "))
}

fn name(peer: &PeerState) -> String {
    format!("{} {}", safe(&peer.member, 8), short(&peer.node_id))
}

fn refused(status: &NodeStatus) -> String {
    let reasons = status.refused.iter().filter(|(_, times)| **times > 0);
    let reasons: Vec<_> = reasons.map(|(reason, times)| format!("{times} × {}", safe(reason, 120))).collect();
    if reasons.is_empty() { "nothing since the start".to_owned() } else { reasons.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_first_what_matters_most() {
        let json = r#"{"mesh":"aa","mesh_name":"drill","roster_version":3,"roster_document":"dd","roster_confirmed_by":2,"exercise":true,"member":"SG","node_id":"bb","version":"0.1.0","signs":true,
            "records":2,"objects":9,"indicators":1,"refused":{"bad signature":3,"other":0},"soc_urls":["https://192.0.2.7:7480"],"soc_tokens":2,"alarms":["the disk is full"],
            "peers":[{"member":"MY","node_id":"0123456789","connected":true,"behind_records":12,"behind_ms":9000},
                     {"member":"VN","node_id":"cc","connected":false,"behind_records":null,"behind_ms":null}]}"#;
        insta::assert_snapshot!(words(&serde_json::from_str(json).unwrap()), @r"
        mesh     drill (aa), an EXERCISE: nothing in it is real
        node     bb of SG
        roster   version 3 (dd), the same with 2 other members
        version  0.1.0
        signs    yes
        holds    9 objects (1 indicator) in 2 records
        peers    1 of 2 connected; not connected: VN cc; behind: MY 01234567 (12 records, 9 s)
        soc      listens at https://192.0.2.7:7480; 2 tokens let tools read
        refused  3 × bad signature
        alarms   1
        ALARM: the disk is full
        ");
    }
}
