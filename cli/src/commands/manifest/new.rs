//! `certmesh manifest new`: a member says which nodes it runs.

use std::path::PathBuf;
use std::str::FromStr;

use certmesh_wire::limits::NODE_ADDRESSES;
use certmesh_wire::{Manifest, MemberCode, NodeEntry, NodeId, NodeState, Roster, SecretKey, SignedManifest};
use clap::Args;
use serde_json::json;

use crate::commands::{key, roster};
use crate::error::CommandError;
use crate::session::{Session, talk};
use crate::time::AgeOrTime;
use crate::{address, file};

/// Writes a member's first manifest, signed with its root key
///
/// Prints the id of the document. Every node of the mesh needs the file, the member's own ones too.
#[derive(Args)]
#[command(after_help = "Example:
  certmesh manifest new sg.cbor --roster roster.cbor --member SG --key sg-root.key \\
      --node PUBLICKEY=/dns4/mesh.cert.example/udp/7400/quic-v1,/dns4/mesh.cert.example/tcp/7400")]
pub(crate) struct New {
    /// Where to write it
    file: PathBuf,
    /// The mesh's roster
    #[arg(long)]
    roster: PathBuf,
    /// Whose nodes these are
    #[arg(long, value_name = "CODE")]
    member: MemberCode,
    /// The member's root key
    #[arg(long, value_name = "ROOTKEY")]
    key: PathBuf,
    /// A node: its key's public half in hex, and where it can be reached
    #[arg(long = "node", value_name = "PUBLICKEY=ADDRESS[,ADDRESS…]", required = true)]
    nodes: Vec<NodeSpec>,
    /// When it needs renewal: an age ahead, or a time
    #[arg(long, value_name = "AGE|TIME", default_value = "1y")]
    expires: AgeOrTime,
}

/// `<64 hex>=/ip4/…,/dns4/…`
#[derive(Debug, Clone, PartialEq, Eq)]
struct NodeSpec(NodeEntry);

impl FromStr for NodeSpec {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (node, addresses) = text.split_once('=').ok_or("expected PUBLICKEY=ADDRESS[,ADDRESS…]")?;
        let node: NodeId = node.parse().map_err(|fault| format!("{fault}"))?;
        let addresses: Vec<_> = addresses.split(',').map(|text| text.trim().to_owned()).collect();
        if addresses.len() > NODE_ADDRESSES {
            return Err(format!("a node has at most {NODE_ADDRESSES} addresses"));
        }
        addresses.iter().try_for_each(|text| address::check(text)).map_err(|fault| fault.to_string())?;
        Ok(Self(NodeEntry { node, state: NodeState::Live, addresses, checkpoints: Vec::new() }))
    }
}

impl New {
    pub(crate) fn run(self, session: &mut Session) -> Result<(), CommandError> {
        let trusted = roster::read(&self.roster)?;
        let key = key::read(&self.key)?;
        check_key(trusted.roster(), self.member, &key)?;
        let manifest = Manifest {
            mesh: trusted.mesh(),
            member: self.member,
            version: 0,
            prev: None,
            roster: trusted.roster().version,
            expires_ms: self.expires.ahead_ms(),
            nodes: entries(self.nodes, &key)?,
        };
        let signed = SignedManifest::sign(manifest, &key).map_err(CommandError::refused)?;
        signed.verify(trusted.mesh(), trusted.roster()).map_err(CommandError::refused)?;
        file::create(&self.file, &signed.encode(), 0o644)?;
        talk(format_args!("wrote {}, signed for {}; this is its id", self.file.display(), self.member));
        let id = signed.id().to_string();
        if session.json() {
            session.json_line(&json!({ "document": id, "mesh_id": trusted.mesh().to_string() }))?;
        } else {
            session.line(id)?;
        }
        Ok(())
    }
}

fn check_key(roster: &Roster, code: MemberCode, key: &SecretKey) -> Result<(), CommandError> {
    let member = roster
        .member(code)
        .ok_or_else(|| CommandError::refused(format_args!("{code} is not a member of this roster")))?;
    if member.root_key == key.root_key() {
        return Ok(());
    }
    let (given, expected) = (key.root_key(), member.root_key);
    Err(CommandError::refused(format_args!("this is not the root key of {code}: its public half is {given}"))
        .hint(format_args!("the roster names {expected}")))
}

/// The nodes in the order of their keys.
fn entries(specs: Vec<NodeSpec>, root: &SecretKey) -> Result<Vec<NodeEntry>, CommandError> {
    let mut entries: Vec<_> = specs.into_iter().map(|NodeSpec(entry)| entry).collect();
    entries.sort_by_key(|entry| entry.node);
    if let Some(twice) = entries.windows(2).find(|pair| pair[0].node == pair[1].node) {
        return Err(CommandError::usage(format_args!("node {} is named twice", twice[0].node)));
    }
    match entries.iter().any(|entry| entry.node == root.node_id()) {
        true => Err(CommandError::refused("a node can't run with its member's root key")
            .hint("make the node a key of its own with `certmesh key new`; the root key stays offline")),
        false => Ok(entries),
    }
}

#[cfg(test)]
mod tests {
    use super::NodeSpec;

    #[test]
    fn reads_nodes() {
        let key = "ab".repeat(32);
        let spec: NodeSpec = format!("{key}=/ip4/127.0.0.1/tcp/1, /dns4/a/tcp/2").parse().unwrap();
        assert_eq!(spec.0.addresses, ["/ip4/127.0.0.1/tcp/1", "/dns4/a/tcp/2"]);
        let many = ["/ip4/127.0.0.1/tcp/1"; 9].join(",");
        for bad in
            [&key[..], &format!("{key}="), &format!("{key}=localhost"), &format!("{key}={many}"), "x=/"]
        {
            assert!(bad.parse::<NodeSpec>().is_err(), "{bad}");
        }
    }
}
