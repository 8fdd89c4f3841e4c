//! What members do offline to change the mesh, on the files that `scripts/mesh` has made: root keys sign
//! rosters and manifests.

use std::fs;
use std::path::{Path, PathBuf};

use certmesh_tests::{Mesh, Node, certmesh};
use certmesh_wire::{
    Consent, Member, MemberCode, NodeEntry, NodeState, Roster, SecretKey, SignedManifest, SignedRoster,
};

/// A version of the roster as it is being signed.
#[derive(Clone)]
pub(crate) struct Ceremony {
    before: SignedRoster,
    pub(crate) document: SignedRoster,
}

impl Ceremony {
    pub(crate) fn after(before: &SignedRoster, change: impl FnOnce(&mut Roster)) -> Self {
        let mut roster = before.roster().clone();
        (roster.version, roster.round, roster.prev) = (roster.version + 1, 0, Some(before.id()));
        change(&mut roster);
        let document = SignedRoster::propose(before, roster).unwrap();
        Self { before: before.clone(), document }
    }

    pub(crate) fn signed(mut self, mesh: &Mesh, members: &[&str]) -> Self {
        for code in members {
            self.document.sign_as_voter(&root_key(mesh, code), &self.before).unwrap();
        }
        self
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        self.document.encode()
    }

    pub(crate) fn write(&self, mesh: &Mesh, name: &str) -> PathBuf {
        write(mesh, name, &self.encode())
    }
}

pub(crate) fn write(mesh: &Mesh, name: &str, bytes: &[u8]) -> PathBuf {
    let path = mesh.path(&format!("{name}.cbor"));
    fs::write(&path, bytes).unwrap();
    path
}

pub(crate) fn founding(mesh: &Mesh) -> SignedRoster {
    SignedRoster::decode(&fs::read(mesh.path("roster.cbor")).unwrap()).unwrap()
}

/// A member's root key; made, if it has none yet.
pub(crate) fn root_key(mesh: &Mesh, code: &str) -> SecretKey {
    let path = mesh.path(&format!("roots/{}.key", code.to_lowercase()));
    if !path.exists() {
        certmesh(["key".as_ref(), "new".as_ref(), path.as_os_str()]).done();
    }
    SecretKey::from_pem(&fs::read_to_string(path).unwrap()).unwrap()
}

pub(crate) fn member(code: &str, root: &SecretKey) -> Member {
    Member {
        code: code.parse().unwrap(),
        cert: format!("{code}-CERT"),
        identity: "identity--72c5e3a1-b80d-4f69-8e12-c4d97a6b05f3".into(),
        root_key: root.root_key(),
    }
}

fn manifest_path(node: &Node) -> PathBuf {
    node.manifests().join(format!("{}.cbor", node.member().to_lowercase()))
}

/// A member's manifest, as it was when the mesh was raised.
pub(crate) fn manifest_of(node: &Node) -> SignedManifest {
    SignedManifest::decode(&fs::read(manifest_path(node)).unwrap()).unwrap()
}

/// The next version of a manifest, by its member's root key.
pub(crate) fn next_manifest(
    mesh: &Mesh,
    current: &SignedManifest,
    change: impl FnOnce(&mut Vec<NodeEntry>),
) -> SignedManifest {
    let mut next = current.unverified().clone();
    (next.version, next.prev) = (next.version + 1, Some(current.id()));
    change(&mut next.nodes);
    next.nodes.sort_by_key(|entry| entry.node);
    let root = root_key(mesh, next.member.as_str());
    SignedManifest::sign(next, &root).unwrap()
}

/// The folder of a node that `scripts/mesh` knows nothing of: SG's, with another key and other ports.
pub(crate) fn make_home(mesh: &Mesh, code: &str) -> Node {
    let sg = mesh.node("SG");
    let home = mesh.path(&code.to_lowercase());
    fs::create_dir_all(home.join("manifests")).unwrap();
    certmesh(["key".as_ref(), "new".as_ref(), home.join("node.key").as_os_str()]).done();
    let config = fs::read_to_string(sg.home().join("node.toml")).unwrap();
    let listen = config.lines().find(|line| line.starts_with("listen")).unwrap();
    let free = "listen = [\"/ip4/127.0.0.1/udp/0/quic-v1\"]";
    fs::write(home.join("node.toml"), config.replace(listen, free)).unwrap();
    Node::in_folder(code, &home)
}

/// KH's manifest: it dials, and need not be dialled.
pub(crate) fn first_manifest(mesh: &Mesh, node: &Node, root: &SecretKey) -> SignedManifest {
    let mut manifest = manifest_of(mesh.node("SG")).unverified().clone();
    (manifest.member, manifest.roster) = (node.member().parse().unwrap(), 1);
    manifest.nodes = vec![entry(mesh, manifest.member, &node.secret_key())];
    SignedManifest::sign(manifest, root).unwrap()
}

fn entry(mesh: &Mesh, member: MemberCode, key: &SecretKey) -> NodeEntry {
    NodeEntry {
        node: key.node_id(),
        state: NodeState::Live,
        addresses: Vec::new(),
        checkpoints: Vec::new(),
        consent: Consent::sign(mesh.id(), member, key),
    }
}

/// Puts another key in the place of a node's; its entry in a manifest.
pub(crate) fn renew_key(mesh: &Mesh, node: &Node) -> NodeEntry {
    fs::remove_file(node.key_path()).unwrap();
    let _ = fs::remove_file(node.stop_note());
    certmesh(["key".as_ref(), "new".as_ref(), node.key_path().as_os_str()]).done();
    entry(mesh, node.member().parse().unwrap(), &node.secret_key())
}

/// Gives a node that starts from nothing what `certmesh roster fetch` has written.
pub(crate) fn give_documents(node: &Node, fetched: &Path) {
    fs::copy(fetched.join("roster.cbor"), node.home().join("roster.cbor")).unwrap();
    for file in fs::read_dir(fetched.join("manifests")).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), node.manifests().join(file.file_name())).unwrap();
    }
}

/// Whether a document is among what was fetched.
pub(crate) fn holds_document(fetched: &Path, document: &[u8]) -> bool {
    let mut files = fs::read_dir(fetched.join("manifests")).unwrap();
    files.any(|file| fs::read(file.unwrap().path()).unwrap() == document)
}
