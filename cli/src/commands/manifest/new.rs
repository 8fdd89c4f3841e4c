//! `certmesh manifest new`: a member says which nodes it runs.

use std::path::PathBuf;

use certmesh_wire::{Manifest, MemberCode, Roster, SecretKey, SignedManifest};
use clap::Args;
use serde_json::json;

use super::edits;
use crate::commands::{key, roster};
use crate::error::CommandError;
use crate::passphrase::PassphraseSource;
use crate::request::NodeRequest;
use crate::session::{Session, talk};
use crate::time::AgeOrTime;

/// Writes a member's first manifest, signed with its root key
///
/// Prints the id of the document. Every node of the mesh needs the file, the member's own ones too.
#[derive(Args)]
#[command(after_help = "Example:
  certmesh manifest new sg.cbor --roster roster.cbor --member SG --key sg-root.key \\
      --node node-request.toml")]
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
    /// The request of a node, as `certmesh node request` wrote it
    #[arg(long = "node", value_name = "REQUEST", required = true)]
    nodes: Vec<PathBuf>,
    /// When it needs renewal: an age ahead, or a time
    #[arg(long, value_name = "AGE|TIME", default_value = "1y")]
    expires: AgeOrTime,
    #[command(flatten)]
    passphrase: PassphraseSource,
}

impl New {
    pub(crate) fn run(self, session: &mut Session) -> Result<(), CommandError> {
        let trusted = roster::read(&self.roster)?;
        let key = key::read(&self.key, &self.passphrase)?;
        check_key(trusted.roster(), self.member, &key)?;
        let mut manifest = Manifest {
            mesh: trusted.mesh(),
            member: self.member,
            version: 0,
            prev: None,
            roster: trusted.roster().version,
            expires_ms: self.expires.ahead_ms(),
            nodes: Vec::new(),
        };
        self.nodes.iter().try_for_each(|path| edits::add(&mut manifest, NodeRequest::read(path)?))?;
        check_nodes(&manifest, &key)?;
        let signed = SignedManifest::sign(manifest, &key).map_err(CommandError::refused)?;
        signed.verify(trusted.mesh(), trusted.roster()).map_err(CommandError::refused)?;
        super::write(&self.file, &signed, &self.key)?;
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

/// Passes the root key that the roster gives this member.
pub(super) fn check_key(roster: &Roster, code: MemberCode, key: &SecretKey) -> Result<(), CommandError> {
    let member = roster
        .member(code)
        .ok_or_else(|| {
            CommandError::refused(format_args!("{code} is not a member of version {} of the roster", roster.version))
                .hint("give the newest one with --roster: who was voted in is in no version before that (`certmesh roster fetch`)")
        })?;
    if member.root_key == key.root_key() {
        return Ok(());
    }
    let (given, expected) = (key.root_key(), member.root_key);
    Err(CommandError::refused(format_args!("this is not the root key of {code}: its public half is {given}"))
        .hint(format_args!("the roster names {expected}")))
}

/// Refuses a node that would run with the key which has to stay offline.
pub(super) fn check_nodes(manifest: &Manifest, root: &SecretKey) -> Result<(), CommandError> {
    match manifest.nodes.iter().any(|entry| entry.node == root.node_id()) {
        true => Err(CommandError::refused("a node can't run with its member's root key")
            .hint("make the node a key of its own with `certmesh key new`; the root key stays offline")),
        false => Ok(()),
    }
}
