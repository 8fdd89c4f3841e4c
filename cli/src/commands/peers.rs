//! `certmesh peers`: the other nodes, and how the connection to each is.

use certmesh_api::Peer;
use certmesh_intel::display::safe;
use clap::Args;

use crate::error::CommandError;
use crate::session::{Session, talk};
use crate::table::{count, short, table, yes_no};
use crate::time;

/// Lists the other nodes of the mesh, and how the connection to each is
#[derive(Args)]
#[command(after_help = "Example:\n  certmesh peers")]
pub(crate) struct Peers {}

impl Peers {
    pub(crate) async fn run(self, session: &mut Session) -> Result<(), CommandError> {
        let answer = session.client().peers().await?;
        if session.json() {
            session.json_line(&answer)?;
        } else if answer.peers.is_empty() {
            talk("there are no other nodes: no manifest names one");
        } else {
            session.line(shown(&answer.peers))?;
        }
        Ok(())
    }
}

fn shown(peers: &[Peer]) -> String {
    let head = ["MEMBER", "CERT", "NODE", "CONNECTED", "SINCE", "BEHIND", "RECEIVED", "REFUSED", "ADDRESSES"];
    table(&head, peers.iter().map(row))
}

/// How far a node is behind this one, in records and time.
pub(super) fn behind(records: Option<u64>, oldest_ms: Option<u64>) -> String {
    match (records, oldest_ms) {
        (None, _) => "unknown".to_owned(),
        (Some(0), _) => "no".to_owned(),
        (Some(records), None) => count(records, "record"),
        (Some(records), Some(age_ms)) => format!("{}, {}", count(records, "record"), time::span(age_ms)),
    }
}

fn row(peer: &Peer) -> Vec<String> {
    let addresses: Vec<_> = peer.addresses.iter().map(|address| safe(address, 256)).collect();
    vec![
        safe(&peer.member, 8),
        safe(&peer.cert, 40),
        short(&peer.node_id),
        yes_no(peer.connected).to_owned(),
        peer.since_ms.map_or_else(|| "never".to_owned(), time::shown),
        behind(peer.behind_records, peer.behind_ms),
        peer.received.to_string(),
        peer.refused.to_string(),
        addresses.join("\n"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_a_node() {
        let json = r#"[{"member":"MY","cert":"MyCERT","node_id":"0123456789abcdef","connected":true,"since_ms":86400000,
            "addresses":["/ip4/127.0.0.1/udp/7401/quic-v1","/ip4/127.0.0.1/tcp/7401"],"received":12,"refused":0,
            "delayed":0,"told_ms":86401000,"behind_records":0,"behind_ms":null},
            {"member":"VN","cert":"VNCERT/CC","node_id":"fedcba9876543210","connected":false,"since_ms":null,
            "addresses":[],"received":0,"refused":1,"delayed":0,"told_ms":null,"behind_records":1204,"behind_ms":754000}]"#;
        insta::assert_snapshot!(shown(&serde_json::from_str::<Vec<Peer>>(json).unwrap()), @r"
        MEMBER  CERT       NODE      CONNECTED  SINCE                 BEHIND                RECEIVED  REFUSED  ADDRESSES
        MY      MyCERT     01234567  yes        1970-01-02 00:00:00Z  no                    12        0        /ip4/127.0.0.1/udp/7401/quic-v1
                                                                                                               /ip4/127.0.0.1/tcp/7401
        VN      VNCERT/CC  fedcba98  no         never                 1204 records, 12 min  0         1
        ");
    }
}
