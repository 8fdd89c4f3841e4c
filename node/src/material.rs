//! What a node needs before it can start, from files: its key, the roster, the manifests.

use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use certmesh_engine::store::{Store, StoreError};
use certmesh_engine::{Document, DocumentFault, Documents, Membership, Split};
use certmesh_wire::limits::{MANIFEST_BYTES, ROSTER_BYTES};
use certmesh_wire::{KeyFault, MemberCode, NodeId, NodeState, RosterFault, SecretKey, SignedRoster};
use zeroize::Zeroizing;

use crate::config::Config;

/// A key file is under 200 bytes.
const KEY_BYTES: usize = 4 * 1024;

/// Why the files do not make a node.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MaterialFault {
    #[error("there is no {what} at {}; {hint}", path.display())]
    Missing { what: &'static str, path: PathBuf, hint: &'static str },
    #[error("can't read the {what} at {}: {cause}", path.display())]
    Unreadable { what: &'static str, path: PathBuf, cause: std::io::Error },
    #[error("the {what} at {} is longer than {limit} bytes: it is something else", path.display())]
    TooLong { what: &'static str, path: PathBuf, limit: usize },
    #[error("others may read the node key at {} (mode {mode:03o}); run: chmod 600 {}", path.display(), path.display())]
    KeyExposed { path: PathBuf, mode: u32 },
    #[error("the node key at {}: {fault}", path.display())]
    Key { path: PathBuf, fault: KeyFault },
    #[error("the roster at {}: {fault}", path.display())]
    Roster { path: PathBuf, fault: RosterFault },
    #[error(
        "the roster at {} is version {version}: version 0 belongs there, and later ones among the manifests, as \
         `certmesh roster fetch` lays them out",
        path.display()
    )]
    LaterRoster { path: PathBuf, version: u64 },
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the document at {}: {fault}", path.display())]
    Document { path: PathBuf, fault: DocumentFault },
    #[error(
        "no manifest in {} names this node's key {node}; ask your member's root key holder to sign a \
         manifest with it (`certmesh manifest new`), and put the file there. If it is there, a warning above says what it lacks",
        path.display()
    )]
    Unnamed { path: PathBuf, node: NodeId },
    #[error(
        "this node's key {node} of {member} is no longer in use: its manifest has retired it, or the roster its member"
    )]
    NotLive { member: MemberCode, node: NodeId },
    #[error(
        "this node's key {node} is in use by {} and by {}, and has agreed to both: somebody else holds it too. It signs \
         for neither: have your member cut it, and make another (node/docs/operating.md, \"A node's key is stolen\")",
        members[0], members[1]
    )]
    Shared { members: [MemberCode; 2], node: NodeId },
}

/// A node's key, and the documents that its files hold.
pub(crate) struct Material {
    pub(crate) key: SecretKey,
    /// Version 0 of the roster, and nothing else.
    pub(crate) documents: Documents,
    files: Vec<(PathBuf, Document)>,
    /// Where the manifests are, for messages.
    path: PathBuf,
}

impl Material {
    /// Reads and checks everything that the configuration names.
    pub(crate) fn load(config: &Config) -> Result<Self, MaterialFault> {
        let key = load_key(&config.node_key)?;
        let (path, roster) = (&config.roster, load_roster(config)?);
        let documents = Documents::found(roster)
            .map_err(|fault| MaterialFault::Document { path: path.clone(), fault })?;
        let files = load_documents(&config.manifests)?;
        Ok(Self { key, documents, files, path: config.manifests.clone() })
    }

    /// The mesh that the documents which the store has kept, and then those in files, amount to; and whose
    /// node this is.
    pub(crate) fn membership(&self, store: &dyn Store) -> Result<(Membership, MemberCode), MaterialFault> {
        let mut documents = self.documents.clone();
        documents.load(store)?;
        enter_all(&mut documents, self.files.clone())?;
        let membership = Membership::of(documents);
        let node = self.key.node_id();
        let Some(entry) = membership.node(node) else {
            return Err(MaterialFault::Unnamed { path: self.path.clone(), node });
        };
        let member = entry.member;
        if let Some(Split::Key { members, .. }) = membership.splits().iter().find(|one| is_of_key(one, node))
        {
            return Err(MaterialFault::Shared { members: *members, node });
        }
        if entry.state != NodeState::Live {
            return Err(MaterialFault::NotLive { member, node });
        }
        Ok((membership, member))
    }
}

fn is_of_key(split: &Split, key: NodeId) -> bool {
    matches!(split, Split::Key { node, .. } if *node == key)
}

/// Takes documents in, each after the one that it follows. One that follows none of these waits for the mesh to
/// bring that one.
fn enter_all(documents: &mut Documents, mut files: Vec<(PathBuf, Document)>) -> Result<(), MaterialFault> {
    loop {
        let (before, mut early) = (files.len(), Vec::new());
        for (path, document) in files {
            match documents.enter(document.clone()) {
                Ok(_) => {}
                // What a roster pins is taken in any case, once that roster and what follows it are here.
                Err(fault) if fault.is_early() || fault.is_surplus() => early.push((path, document, fault)),
                Err(fault) => return Err(MaterialFault::Document { path, fault }),
            }
        }
        if early.len() == before || early.is_empty() {
            for (path, _, fault) in early {
                tracing::warn!(path = %path.display(), "not taken: {fault}");
            }
            return Ok(());
        }
        files = early.into_iter().map(|(path, document, _)| (path, document)).collect();
    }
}

fn load_key(path: &Path) -> Result<SecretKey, MaterialFault> {
    let what = "node key";
    let bytes = read(what, path, KEY_BYTES, "make one with `certmesh key new`")?;
    let metadata = std::fs::metadata(path);
    let mode = metadata.map_err(|cause| unreadable(what, path, cause))?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(MaterialFault::KeyExposed { path: path.into(), mode });
    }
    let key = |fault| MaterialFault::Key { path: path.into(), fault };
    let text = std::str::from_utf8(&bytes).map_err(|e| key(KeyFault::NotAKey(e.to_string())))?;
    SecretKey::from_pem(text).map_err(key)
}

fn load_roster(config: &Config) -> Result<SignedRoster, MaterialFault> {
    let path = &config.roster;
    let bytes =
        read("roster", path, ROSTER_BYTES, "get version 0 of it from any member (`certmesh roster fetch`)")?;
    SignedRoster::decode(&bytes).and_then(|roster| roster.of_mesh(config.mesh_id)).map_err(
        |fault| match fault {
            RosterFault::Unproven(version) => MaterialFault::LaterRoster { path: path.clone(), version },
            fault => MaterialFault::Roster { path: path.clone(), fault },
        },
    )
}

fn load_documents(folder: &Path) -> Result<Vec<(PathBuf, Document)>, MaterialFault> {
    let what = "folder of manifests";
    let unreadable = |cause| unreadable(what, folder, cause);
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.extension().is_some_and(|extension| extension == "cbor") {
            paths.push(path);
        }
    }
    paths.sort();
    paths.into_iter().map(load_document).collect()
}

fn load_document(path: PathBuf) -> Result<(PathBuf, Document), MaterialFault> {
    let bytes = read("manifest", &path, MANIFEST_BYTES, "get it from its member")?;
    match Document::decode(&bytes) {
        Ok(document) => Ok((path, document)),
        Err(fault) => Err(MaterialFault::Document { path, fault }),
    }
}

/// A whole file of at most `limit` bytes, wiped from memory after use since it may be a key.
fn read(
    what: &'static str,
    path: &Path,
    limit: usize,
    hint: &'static str,
) -> Result<Zeroizing<Vec<u8>>, MaterialFault> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(limit.min(KEY_BYTES) + 1));
    let file = std::fs::File::open(path).map_err(|cause| match cause.kind() {
        std::io::ErrorKind::NotFound => MaterialFault::Missing { what, path: path.into(), hint },
        _ => unreadable(what, path, cause),
    })?;
    file.take(limit as u64 + 1).read_to_end(&mut bytes).map_err(|cause| unreadable(what, path, cause))?;
    if bytes.len() > limit {
        return Err(MaterialFault::TooLong { what, path: path.into(), limit });
    }
    Ok(bytes)
}

fn unreadable(what: &'static str, path: &Path, cause: std::io::Error) -> MaterialFault {
    MaterialFault::Unreadable { what, path: path.into(), cause }
}
