//! `certmesh manifest show`: what a manifest says, and whether it is to be believed.

use std::path::PathBuf;

use certmesh_intel::display::safe;
use certmesh_wire::{Manifest, ManifestFault, NodeEntry, NodeState, SignedManifest};
use clap::Args;
use serde_json::{Value, json};

use crate::commands::roster;
use crate::error::CommandError;
use crate::session::Session;
use crate::table::{list, table};
use crate::time;

/// Shows what a manifest says
///
/// With the roster, its signature is checked; without it, nothing in it is to be believed.
#[derive(Args)]
#[command(after_help = "Example:\n  certmesh manifest show sg.cbor --roster roster.cbor")]
pub(crate) struct Show {
    /// The manifest
    file: PathBuf,
    /// The mesh's roster, to check the signature
    #[arg(long)]
    roster: Option<PathBuf>,
}

impl Show {
    pub(crate) fn run(self, session: &mut Session) -> Result<(), CommandError> {
        let signed = super::read(&self.file)?;
        let trusted = self.roster.map(|path| roster::read(&path)).transpose()?;
        let verdict = trusted.map(|trusted| signed.verify(trusted.mesh(), trusted.roster()).map(|_| ()));
        if session.json() {
            session.json_line(&json(&signed, &verdict))?;
        } else {
            session.line(words(&signed, &verdict))?;
        }
        match verdict {
            Some(Err(fault)) => Err(CommandError::refused(fault)),
            _ => Ok(()),
        }
    }
}

/// Absent without a roster to check against.
type Verdict = Option<Result<(), ManifestFault>>;

fn words(signed: &SignedManifest, verdict: &Verdict) -> String {
    let manifest: &Manifest = signed.unverified();
    let signature = match verdict {
        None => "unchecked: give the mesh's roster with --roster",
        Some(Ok(())) => "good: the member's root key signed it",
        Some(Err(_)) => "NOT GOOD: do not believe any of this",
    };
    let head = list(&[
        ("member", manifest.member.to_string()),
        ("mesh", manifest.mesh.to_string()),
        ("version", manifest.version.to_string()),
        ("roster", format!("version {}", manifest.roster)),
        ("expires", time::shown(manifest.expires_ms)),
        ("document", signed.id().to_string()),
        ("signature", signature.to_owned()),
    ]);
    let nodes = table(&["NODE", "STATE", "ADDRESSES"], manifest.nodes.iter().map(row));
    format!("{head}\n\n{nodes}")
}

fn row(entry: &NodeEntry) -> Vec<String> {
    let addresses: Vec<_> = entry.addresses.iter().map(|text| safe(text, 256)).collect();
    vec![entry.node.to_string(), state(entry.state).to_owned(), addresses.join("\n")]
}

fn state(state: NodeState) -> &'static str {
    match state {
        NodeState::Live => "live",
        NodeState::Retired => "retired",
        NodeState::Cut => "cut",
    }
}

fn json(signed: &SignedManifest, verdict: &Verdict) -> Value {
    let manifest = signed.unverified();
    let node = |entry: &NodeEntry| {
        let checkpoint = |at: &certmesh_wire::Checkpoint| json!({ "log": at.log.to_string(), "seq": at.seq, "record": at.record.to_string() });
        json!({
            "node_id": entry.node.to_string(),
            "state": state(entry.state),
            "addresses": entry.addresses,
            "checkpoints": entry.checkpoints.iter().map(checkpoint).collect::<Vec<_>>(),
        })
    };
    json!({
        "member": manifest.member.as_str(),
        "mesh_id": manifest.mesh.to_string(),
        "version": manifest.version,
        "prev": manifest.prev.map(|id| id.to_string()),
        "roster": manifest.roster,
        "document": signed.id().to_string(),
        "expires_ms": manifest.expires_ms,
        "expires": time::rfc3339(manifest.expires_ms),
        "signature": match verdict { None => "unchecked", Some(Ok(())) => "good", Some(Err(_)) => "bad" },
        "nodes": manifest.nodes.iter().map(node).collect::<Vec<_>>(),
    })
}
