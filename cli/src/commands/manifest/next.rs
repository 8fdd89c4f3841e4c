//! `certmesh manifest next`: a member changes which nodes it runs, or renews what it has said.

use std::path::PathBuf;

use certmesh_wire::{Manifest, SecretKey, SignedManifest, SignedRoster};
use clap::Args;
use serde_json::json;

use super::changes;
use super::edits::{self, Addresses, Cut, NodeName};
use crate::commands::{key, roster};
use crate::error::CommandError;
use crate::log_ends;
use crate::passphrase::PassphraseSource;
use crate::request::NodeRequest;
use crate::session::{Session, talk};
use crate::table::list;
use crate::time::{self, AgeOrTime};

/// Writes the next version of a manifest: nodes added, retired, moved or cut, or everything renewed
///
/// Says what changes and, at a terminal, asks before it signs. Give the file to any node with `certmesh manifest submit`.
#[derive(Args)]
#[command(after_help = "Examples:
  certmesh manifest next sg.cbor --key root.key --out sg-1.cbor --checkpoint-from backup.records
  certmesh manifest next sg.cbor --key root.key --out sg-1.cbor --add request.toml --retire d04ab232
  certmesh manifest next sg.cbor --key root.key --out sg-1.cbor --cut d04ab232=41:RECORD")]
pub(crate) struct Next {
    /// The manifest as it is
    current: PathBuf,
    /// The member's root key
    #[arg(long, value_name = "ROOTKEY")]
    key: PathBuf,
    /// Where to write the next version
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// The mesh's roster; needed if the member's root key has changed since the current manifest
    #[arg(long)]
    roster: Option<PathBuf>,
    /// The request of a node that joins, as `certmesh node request` wrote it
    #[arg(long, value_name = "REQUEST")]
    add: Vec<PathBuf>,
    /// A node that signs no more; what it has signed stays
    #[arg(long, value_name = "NODE")]
    retire: Vec<NodeName>,
    /// A stolen key: what it signed beyond this record counts nowhere (for its log for all members)
    #[arg(long, value_name = "NODE[=SEQ:RECORD|=nothing]")]
    cut: Vec<Cut>,
    /// Other addresses of a node
    #[arg(long, value_name = "NODE=ADDRESS[,ADDRESS…]")]
    address: Vec<Addresses>,
    /// Exported records, up to which the member vouches for all its logs
    #[arg(long, value_name = "EXPORT")]
    checkpoint_from: Option<PathBuf>,
    /// When it needs renewal: an age ahead, or a time
    #[arg(long, value_name = "AGE|TIME", default_value = "1y")]
    expires: AgeOrTime,
    #[command(flatten)]
    passphrase: PassphraseSource,
}

impl Next {
    pub(crate) fn run(self, session: &mut Session) -> Result<(), CommandError> {
        let current = super::read(&self.current)?;
        let trusted = self.roster.as_deref().map(roster::read).transpose()?;
        let key = key::read(&self.key, &self.passphrase)?;
        check_key(&current, trusted.as_ref(), &key)?;
        let next = self.manifest(&current, trusted.as_ref())?;
        super::new::check_nodes(&next, &key)?;
        talk(words(&current, &next));
        if !session.confirm(&format!("\nSign this manifest for {}?", next.member)) {
            return Err(CommandError::refused("not signed: the answer was no"));
        }
        let signed = SignedManifest::sign(next, &key).map_err(CommandError::refused)?;
        match &trusted {
            Some(trusted) => signed.verify(trusted.mesh(), trusted.roster()),
            None => signed.verify_by(current.unverified().mesh, key.root_key()),
        }
        .map_err(CommandError::refused)?;
        super::write(&self.out, &signed, &self.key)?;
        talk(format_args!("wrote {}; this is its id", self.out.display()));
        let id = signed.id().to_string();
        if session.json() {
            session.json_line(&json!({ "document": id, "version": signed.unverified().version }))?;
        } else {
            session.line(id)?;
        }
        Ok(())
    }

    /// The next version, with everything that the options say.
    fn manifest(
        &self,
        current: &SignedManifest,
        trusted: Option<&SignedRoster>,
    ) -> Result<Manifest, CommandError> {
        let before = current.unverified();
        let version = before.version.checked_add(1);
        let mut next = Manifest {
            version: version.ok_or_else(|| CommandError::refused("there is no version after this one"))?,
            prev: Some(current.id()),
            roster: trusted.map_or(before.roster, |trusted| trusted.roster().version),
            expires_ms: self.expires.ahead_ms(),
            ..before.clone()
        };
        let ends =
            self.checkpoint_from.as_deref().map(|path| log_ends::read(path, before.mesh)).transpose()?;
        self.add.iter().try_for_each(|path| edits::add(&mut next, NodeRequest::read(path)?))?;
        self.address.iter().try_for_each(|to| edits::move_to(&mut next, to))?;
        self.retire.iter().try_for_each(|node| edits::retire(&mut next, node))?;
        self.cut.iter().try_for_each(|cut| edits::cut(&mut next, cut, ends.as_ref()))?;
        if let Some(ends) = &ends {
            edits::checkpoint(&mut next, ends);
        }
        Ok(next)
    }
}

/// Passes the root key that signed the current manifest, or the one that the roster gives its member since.
fn check_key(
    current: &SignedManifest,
    trusted: Option<&SignedRoster>,
    key: &SecretKey,
) -> Result<(), CommandError> {
    let manifest = current.unverified();
    match trusted {
        Some(trusted) if trusted.mesh() != manifest.mesh => Err(CommandError::refused(format_args!(
            "the roster is of mesh {}, and the manifest of mesh {}",
            trusted.mesh(),
            manifest.mesh
        ))),
        Some(trusted) => super::new::check_key(trusted.roster(), manifest.member, key),
        None => current.verify_by(manifest.mesh, key.root_key()).map(|_| ()).map_err(|fault| {
            CommandError::refused(fault).hint(
                "this key did not sign the current manifest; if the member has another root key since, give the roster with --roster",
            )
        }),
    }
}

fn words(current: &SignedManifest, next: &Manifest) -> String {
    let before = current.unverified();
    let head = list(&[
        ("member", next.member.to_string()),
        ("mesh", next.mesh.to_string()),
        ("version", format!("{}, in place of version {}", next.version, before.version)),
        ("after", current.id().to_string()),
        ("expires", time::shown(next.expires_ms)),
    ]);
    let changes = changes::changes(before, next).into_iter().map(|change| format!("\n- {change}"));
    format!("{head}\n{}", changes.collect::<String>())
}
