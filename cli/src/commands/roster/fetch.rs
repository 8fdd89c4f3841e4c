//! `certmesh roster fetch`: every roster and manifest that a node has, as files for another node.

use std::path::{Path, PathBuf};

use certmesh_api::DocumentFile;
use certmesh_wire::{MeshId, SignedManifest, SignedRoster};
use clap::Args;

use crate::commands::submit::DOCUMENT_BYTES;
use crate::error::CommandError;
use crate::file;
use crate::session::Session;

const ROSTER: &str = "roster.cbor";
const MANIFESTS: &str = "manifests";

/// Writes every roster and manifest that a node has into a folder, as another node needs them to start
///
/// For a CERT that joins, a node that starts from nothing, and a node that knows only nodes which are gone. Version 0 of
/// the roster becomes DIR/roster.cbor, everything else goes into DIR/manifests. A file that is there already is kept; if it is
/// of another mesh, nothing is written.
#[derive(Args)]
#[command(after_help = "Example:\n  certmesh roster fetch /media/stick/mesh")]
pub(crate) struct Fetch {
    /// The folder; made if it is not there
    dir: PathBuf,
}

impl Fetch {
    pub(crate) async fn run(self, session: &mut Session) -> Result<(), CommandError> {
        let found = session.client().documents().await?;
        let files = found.documents.iter().map(File::of).collect::<Result<Vec<_>, _>>()?;
        let manifests = self.dir.join(MANIFESTS);
        if let Some(one) = files.first() {
            // All before any: what is refused changes nothing.
            check_mesh(&self.dir, &manifests, one.mesh)?;
        }
        std::fs::create_dir_all(&manifests).map_err(|e| {
            CommandError::refused(format_args!("can't make {}: {e}", file::shown(&manifests)))
        })?;
        let mut written = 0;
        for one in &files {
            let path = self.dir.join(&one.name);
            if !path.exists() {
                file::create(&path, &one.bytes, 0o644)?;
                written += 1;
            }
        }
        let all = files.len();
        session.line(format_args!("{written} of {all} documents written to {}", file::shown(&self.dir)))?;
        Ok(())
    }
}

/// Refuses a folder in which a roster or manifest of another mesh lies.
fn check_mesh(dir: &Path, manifests: &Path, mesh: MeshId) -> Result<(), CommandError> {
    let in_manifests = std::fs::read_dir(manifests).into_iter().flatten().flatten().map(|entry| entry.path());
    let paths = std::iter::once(dir.join(ROSTER)).chain(in_manifests);
    for path in paths.filter(|path| path.is_file()) {
        let other = match mesh_of(&file::read(&path, DOCUMENT_BYTES as u64)?) {
            Some(found) if found == mesh => continue,
            Some(found) => format!("is of mesh {found}"),
            None => "is neither a roster nor a manifest".to_owned(),
        };
        return Err(CommandError::refused(format_args!(
            "{} {other}, and the node is of mesh {mesh}: nothing is written",
            file::shown(&path)
        ))
        .hint("name a folder of its own for each mesh"));
    }
    Ok(())
}

/// A document as a file.
struct File {
    /// Where it goes in the folder. Nothing that a node says gets into it unchecked.
    name: String,
    mesh: MeshId,
    bytes: Vec<u8>,
}

impl File {
    fn of(document: &DocumentFile) -> Result<Self, CommandError> {
        let bytes = bytes(document)?;
        if let Ok(signed) = SignedManifest::decode(&bytes) {
            let (id, manifest) = (signed.id().to_string(), signed.unverified());
            let name = format!("{MANIFESTS}/{}-{}-{}.cbor", manifest.member, manifest.version, &id[..8]);
            return Ok(Self { name, mesh: manifest.mesh, bytes });
        }
        let roster = SignedRoster::decode(&bytes).map_err(CommandError::refused)?;
        let (id, version) = (roster.id().to_string(), roster.roster().version);
        let name = match version {
            0 => ROSTER.to_owned(),
            version => format!("{MANIFESTS}/roster-{version}-{}.cbor", &id[..8]),
        };
        Ok(Self { name, mesh: roster.mesh(), bytes })
    }
}

fn mesh_of(bytes: &[u8]) -> Option<MeshId> {
    let manifest = || SignedManifest::decode(bytes).map(|signed| signed.unverified().mesh);
    manifest().ok().or_else(|| SignedRoster::decode(bytes).map(|signed| signed.mesh()).ok())
}

fn bytes(document: &DocumentFile) -> Result<Vec<u8>, CommandError> {
    let pairs = document.hex.as_bytes().chunks(2);
    let byte =
        |pair: &[u8]| std::str::from_utf8(pair).ok().and_then(|text| u8::from_str_radix(text, 16).ok());
    let bytes: Option<Vec<_>> = pairs.map(byte).collect();
    bytes.ok_or_else(|| CommandError::refused("the node sent a document that is not hexadecimal"))
}
