//! The figures that an operator would alarm on, in Prometheus' text format: `GET /metrics`.

use std::fmt::{Display, Write};

use axum::extract::State as AxumState;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use certmesh_engine::{Signing, counts};

use super::State;
use super::answers::{Failure, alarms};
use crate::peers::PeerEntry;

/// A figure of each peer: its name, its kind, what it means, and where it comes from.
type PerPeer = (&'static str, &'static str, &'static str, fn(&PeerEntry) -> u64);

/// Prometheus' text exposition format.
const TEXT: &str = "text/plain; version=0.0.4";

pub(super) async fn metrics(AxumState(state): AxumState<State>) -> Result<impl IntoResponse, Failure> {
    let (counts, mesh, peers) = (counts(&*state.store)?, state.mesh.counts(), state.peers.all());
    let lags = state.lags()?;
    let signs = *state.signing.borrow() == Signing::Free;
    let mut page = Page::default();
    page.one("certmesh_signs", "gauge", "Whether the node signs what is published on it.", u8::from(signs));
    let is_full = u8::from(*state.is_full.borrow());
    page.one("certmesh_disk_full", "gauge", "Whether nothing can be written for want of room.", is_full);
    page.one("certmesh_records", "gauge", "Records of all logs.", counts.records);
    page.one("certmesh_objects", "gauge", "Different objects.", counts.objects);
    page.one("certmesh_indicators", "gauge", "Objects of type indicator.", counts.indicators);
    page.one("certmesh_void_records", "gauge", "Records whose body breaks a rule.", counts.void);
    let alarms = alarms(&state, &state.signing.borrow().clone())?.len();
    page.one("certmesh_alarms", "gauge", "What needs an operator: see certmesh status.", alarms);
    let membership = state.membership.now();
    page.one("certmesh_roster_version", "gauge", "The roster that stands.", membership.roster().version);
    let help = "When the roster expires, seconds since 1970 UTC.";
    page.one("certmesh_roster_expires_seconds", "gauge", help, membership.roster().expires_ms / 1_000);
    let help = "Gossip that came while the node was too far behind; sync brings it.";
    page.one("certmesh_gossip_dropped_total", "counter", help, mesh.gossip_dropped);
    let help = "Gossip of this node's own that went to nobody; sync brings it.";
    page.one("certmesh_gossip_unsent_total", "counter", help, mesh.gossip_unsent);
    page.head("certmesh_refused_total", "counter", "What was refused, by reason.");
    for (reason, times) in state.peers.refused() {
        page.line("certmesh_refused_total", &[("reason", &reason)], times);
    }
    let per_peer: [PerPeer; 4] = [
        ("certmesh_peer_connected", "gauge", "Whether the node is connected.", |peer| peer.connected.into()),
        ("certmesh_peer_received_total", "counter", "Records taken from it.", |peer| peer.received),
        ("certmesh_peer_refused_total", "counter", "Records and messages of it refused.", |peer| {
            peer.refused
        }),
        (
            "certmesh_peer_delayed_total",
            "counter",
            "Records put off: it sends more than its share.",
            |peer| peer.delayed,
        ),
    ];
    for (name, kind, help, value) in per_peer {
        page.head(name, kind, help);
        for (node, peer) in &peers {
            page.line(name, &[("member", &peer.member), ("node", &node.short())], value(peer));
        }
    }
    page.head("certmesh_peer_behind_records", "gauge", "Records that it lacks, as it told last.");
    for (node, peer) in &peers {
        if let Some(lag) = lags.get(node) {
            let labels: [(&str, &dyn Display); 2] = [("member", &peer.member), ("node", &node.short())];
            page.line("certmesh_peer_behind_records", &labels, lag.records);
        }
    }
    Ok(([(CONTENT_TYPE, TEXT)], page.0))
}

/// The text as it grows. Writing to a string can't fail.
#[derive(Default)]
struct Page(String);

impl Page {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    /// Labels hold member codes, hexadecimal digits and our own words: nothing that needs escaping.
    fn line(&mut self, name: &str, labels: &[(&str, &dyn Display)], value: impl Display) {
        let labels: Vec<_> = labels.iter().map(|(label, value)| format!("{label}=\"{value}\"")).collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        let _ = writeln!(self.0, "{name}{labels} {value}");
    }

    fn one(&mut self, name: &str, kind: &str, help: &str, value: impl Display) {
        self.head(name, kind, help);
        self.line(name, &[], value);
    }
}
