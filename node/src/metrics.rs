//! The figures that an operator would alarm on, in Prometheus' text format: of the mesh, the store, the process, and
//! what SOC tools do. Operators read them on their socket, and Prometheus with a token where SOC tools do.

use std::fmt::{Display, Write};
use std::path::Path;

use certmesh_engine::store::StoreError;
use certmesh_engine::{Signing, counts};

use crate::local_api::{State, alarms};
use crate::peers::PeerEntry;

/// A figure of each peer: its name, its kind, what it means, and where it comes from.
type PerPeer = (&'static str, &'static str, &'static str, fn(&PeerEntry) -> u64);

/// Prometheus' text exposition format.
pub(crate) const TEXT: &str = "text/plain; version=0.0.4";

/// All figures, as of now.
pub(crate) fn page(state: &State) -> Result<String, StoreError> {
    let mut page = Page::default();
    write_node(state, &mut page)?;
    write_mesh(state, &mut page)?;
    write_process(state, &mut page);
    state.soc.write(&state.tokens.borrow().clone(), &mut page);
    Ok(page.0)
}

fn write_node(state: &State, page: &mut Page) -> Result<(), StoreError> {
    let (counts, membership) = (counts(&*state.store)?, state.membership.now());
    let node = membership.node(state.node_id);
    page.head("certmesh_info", "gauge", "What this node is.");
    let labels: [(&str, &dyn Display); 4] = [
        ("version", &env!("CARGO_PKG_VERSION")),
        ("member", &node.map_or_else(String::new, |node| node.member.to_string())),
        ("node", &state.node_id.short()),
        ("mesh", &membership.mesh()),
    ];
    page.line("certmesh_info", &labels, 1);
    let exercise = u8::from(membership.roster().exercise);
    page.one("certmesh_exercise", "gauge", "Whether all of it is an exercise.", exercise);
    let signs = *state.signing.borrow() == Signing::Free;
    page.one("certmesh_signs", "gauge", "Whether the node signs what is published on it.", u8::from(signs));
    let is_full = u8::from(state.full_disk.borrow().is_some());
    page.one("certmesh_disk_full", "gauge", "Whether nothing can be written for want of room.", is_full);
    page.one("certmesh_records", "gauge", "Records of all logs.", counts.records);
    page.one("certmesh_objects", "gauge", "Different objects.", counts.objects);
    page.one("certmesh_indicators", "gauge", "Objects of type indicator.", counts.indicators);
    page.one("certmesh_void_records", "gauge", "Records whose body breaks a rule.", counts.void);
    let alarms = alarms(state, &state.signing.borrow().clone())?.len();
    page.one("certmesh_alarms", "gauge", "What needs an operator: see certmesh status.", alarms);
    page.one("certmesh_roster_version", "gauge", "The roster that stands.", membership.roster().version);
    let help = "When the roster expires, seconds since 1970 UTC.";
    page.one("certmesh_roster_expires_seconds", "gauge", help, membership.roster().expires_ms / 1_000);
    let help = "When each member's manifest expires, seconds since 1970 UTC.";
    page.head("certmesh_manifest_expires_seconds", "gauge", help);
    for manifest in membership.manifests().iter().map(|signed| signed.unverified()) {
        if membership.roster().member(manifest.member).is_some() {
            let labels: [(&str, &dyn Display); 1] = [("member", &manifest.member)];
            page.line("certmesh_manifest_expires_seconds", &labels, manifest.expires_ms / 1_000);
        }
    }
    Ok(())
}

fn write_mesh(state: &State, page: &mut Page) -> Result<(), StoreError> {
    let (mesh, peers, lags) = (state.mesh.counts(), state.peers.all(), state.lags()?);
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
    let help = "Since when no other node is connected, seconds since 1970 UTC; 0 while one is.";
    let since = state.peers.cut_off_since().unwrap_or_default() / 1_000;
    page.one("certmesh_cut_off_since_seconds", "gauge", help, since);
    Ok(())
}

/// Of the process and its disk: what the system does not tell is left out.
fn write_process(state: &State, page: &mut Page) {
    if let Some(bytes) = resident_bytes() {
        page.one("process_resident_memory_bytes", "gauge", "Memory in use.", bytes);
    }
    page.one(
        "certmesh_store_bytes",
        "gauge",
        "What the store takes of the disk.",
        folder_bytes(&state.data_dir),
    );
    if let Ok(disk) = rustix::fs::statvfs(&state.data_dir) {
        let help = "Room on the store's disk.";
        page.one("certmesh_disk_free_bytes", "gauge", help, disk.f_bavail * disk.f_frsize);
        let help = "Size of the store's disk.";
        page.one("certmesh_disk_bytes", "gauge", help, disk.f_blocks * disk.f_frsize);
    }
}

/// The line `VmRSS` of `/proc/self/status` (proc_pid_status(5)), which is in KiB.
fn resident_bytes() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1_024)
}

/// The store is a few hundred files in two folders. One that goes meanwhile counts nothing.
fn folder_bytes(folder: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    let size = |entry: std::fs::DirEntry| match entry.metadata() {
        Ok(about) if about.is_dir() => folder_bytes(&entry.path()),
        Ok(about) => about.len(),
        Err(_) => 0,
    };
    entries.flatten().map(size).sum()
}

/// The text as it grows. Writing to a string can't fail.
#[derive(Default)]
pub(crate) struct Page(String);

impl Page {
    pub(crate) fn head(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    /// Labels hold member codes, tokens' names, hexadecimal digits and our own words: nothing to escape.
    pub(crate) fn line(&mut self, name: &str, labels: &[(&str, &dyn Display)], value: impl Display) {
        let labels: Vec<_> = labels.iter().map(|(label, value)| format!("{label}=\"{value}\"")).collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        let _ = writeln!(self.0, "{name}{labels} {value}");
    }

    pub(crate) fn one(&mut self, name: &str, kind: &str, help: &str, value: impl Display) {
        self.head(name, kind, help);
        self.line(name, &[], value);
    }
}
