//! `certmesh roster fetch`: every roster and manifest that a node has, as files for another node.

use std::path::PathBuf;

use certmesh_api::DocumentFile;
use certmesh_wire::{SignedManifest, SignedRoster};
use clap::Args;

use crate::error::CommandError;
use crate::file;
use crate::session::Session;

/// Writes every roster and manifest that a node has into a folder, as another node needs them to start
///
/// For a CERT that joins, a node that starts from nothing, and a node that knows only nodes which are gone. Version 0 of
/// the roster becomes DIR/roster.cbor, everything else goes into DIR/manifests. A file that is there already is kept.
#[derive(Args)]
#[command(after_help = "Example:\n  certmesh roster fetch /media/stick/mesh")]
pub(crate) struct Fetch {
    /// The folder; made if it is not there
    dir: PathBuf,
}

impl Fetch {
    pub(crate) async fn run(self, session: &mut Session) -> Result<(), CommandError> {
        let found = session.client().documents().await?;
        let manifests = self.dir.join("manifests");
        std::fs::create_dir_all(&manifests).map_err(|e| {
            CommandError::refused(format_args!("can't make {}: {e}", file::shown(&manifests)))
        })?;
        let mut written = 0;
        for document in &found.documents {
            let path = self.dir.join(name(document)?);
            if !path.exists() {
                file::create(&path, &bytes(document)?, 0o644)?;
                written += 1;
            }
        }
        let all = found.documents.len();
        session.line(format_args!("{written} of {all} documents written to {}", file::shown(&self.dir)))?;
        Ok(())
    }
}

/// Where a document goes. Nothing that a node says gets into a path unchecked.
fn name(document: &DocumentFile) -> Result<String, CommandError> {
    let bytes = bytes(document)?;
    if let Ok(manifest) = SignedManifest::decode(&bytes) {
        let (id, manifest) = (manifest.id().to_string(), manifest.unverified());
        return Ok(format!("manifests/{}-{}-{}.cbor", manifest.member, manifest.version, &id[..8]));
    }
    let roster = SignedRoster::decode(&bytes).map_err(CommandError::refused)?;
    let (id, version) = (roster.id().to_string(), roster.roster().version);
    Ok(match version {
        0 => "roster.cbor".to_owned(),
        version => format!("manifests/roster-{version}-{}.cbor", &id[..8]),
    })
}

fn bytes(document: &DocumentFile) -> Result<Vec<u8>, CommandError> {
    let pairs = document.hex.as_bytes().chunks(2);
    let byte =
        |pair: &[u8]| std::str::from_utf8(pair).ok().and_then(|text| u8::from_str_radix(text, 16).ok());
    let bytes: Option<Vec<_>> = pairs.map(byte).collect();
    bytes.ok_or_else(|| CommandError::refused("the node sent a document that is not hexadecimal"))
}
