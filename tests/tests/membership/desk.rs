//! The ceremonies as people do them: the operators' command, word for word as `node/docs/operating.md` has it, in a folder
//! that stands for every machine and stick. Root keys are in `roots/`, as `scripts/mesh` makes them.

use std::collections::BTreeSet;
use std::fs;
use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use certmesh_tests::{Bundle, Mesh, Node, Outcome, eventually, program, wait_until};
use certmesh_wire::{DocumentId, SignedManifest, SignedRoster};

/// The folder of a mesh, to work in.
pub(crate) struct Desk<'a> {
    mesh: &'a Mesh,
}

impl<'a> Desk<'a> {
    pub(crate) fn of(mesh: &'a Mesh) -> Self {
        Self { mesh }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.mesh.path(name)
    }

    /// Runs a command with these words in the folder.
    pub(crate) fn run(&self, words: &str) -> Outcome {
        run_in(&self.path(""), words)
    }

    /// Runs one that has to succeed; its stdout.
    #[track_caller]
    pub(crate) fn ok(&self, words: &str) -> String {
        self.run(words).done()
    }

    /// Runs one on a node.
    pub(crate) fn at(&self, node: &Node, words: &str) -> Outcome {
        self.run(&format!("--node {} {words}", node.socket().display()))
    }

    /// Runs one, and keeps its stdout, as `>` does.
    #[track_caller]
    pub(crate) fn keep(&self, words: &str, file: &str) {
        fs::write(self.path(file), self.ok(words)).unwrap();
    }

    pub(crate) fn roster(&self, file: &str) -> SignedRoster {
        SignedRoster::decode(&fs::read(self.path(file)).unwrap()).unwrap()
    }

    pub(crate) fn manifest(&self, file: &str) -> SignedManifest {
        SignedManifest::decode(&fs::read(self.path(file)).unwrap()).unwrap()
    }

    /// Proposes the version after a roster: what `edit` says of it, and `propose`.
    #[track_caller]
    pub(crate) fn propose(&self, after: &str, out: &str, edit: &str, propose: &str) {
        self.keep(&format!("roster edit {after} {edit}"), "next.toml");
        self.ok(&format!("roster propose next.toml --after {after} --out {out} {propose}"));
    }

    /// Changes a line of the draft, and proposes it.
    #[track_caller]
    pub(crate) fn propose_with(&self, after: &str, out: &str, name: &str, value: &str) {
        self.keep(&format!("roster edit {after}"), "next.toml");
        let draft = fs::read_to_string(self.path("next.toml")).unwrap();
        let line = draft.lines().find(|line| line.starts_with(&format!("{name} = "))).unwrap();
        let draft = draft.replace(line, &format!("{name} = \"{value}\""));
        fs::write(self.path("next.toml"), draft).unwrap();
        self.ok(&format!("roster propose next.toml --after {after} --out {out}"));
    }

    /// Each of these members signs a copy of its own, and somebody puts them together.
    #[track_caller]
    pub(crate) fn vote(&self, after: &str, proposal: &str, members: &[&str]) {
        let sign = |code: &&str| {
            let (copy, code) = (format!("from-{code}.cbor"), code.to_lowercase());
            fs::copy(self.path(proposal), self.path(&copy)).unwrap();
            self.ok(&format!("roster sign {copy} --after {after} --key roots/{code}.key"));
            copy
        };
        let copies: Vec<_> = members.iter().map(sign).collect();
        let copies = copies.join(" ");
        self.ok(&format!("roster merge {proposal} {copies} --after {after} --out {proposal}"));
    }

    /// Everything that a node has, in a fresh folder; the ids of it.
    #[track_caller]
    pub(crate) fn fetch(&self, node: &Node, folder: &str) -> BTreeSet<DocumentId> {
        let path = self.path(folder);
        let _ = fs::remove_dir_all(&path);
        self.at(node, &format!("roster fetch {folder}")).done();
        let files = fs::read_dir(path.join("manifests")).unwrap().map(|entry| entry.unwrap().path());
        let files = files.chain([path.join("roster.cbor")]).map(|path| fs::read(path).unwrap());
        let id = |bytes: Vec<u8>| {
            let roster = SignedRoster::decode(&bytes).map(|signed| signed.id());
            roster.or_else(|_| SignedManifest::decode(&bytes).map(|signed| signed.id())).unwrap()
        };
        files.map(id).collect()
    }

    /// Waits until a document has come to these nodes.
    #[track_caller]
    pub(crate) fn wait_for(&self, nodes: &[&Node], document: DocumentId) {
        for node in nodes {
            let what = format!("a document to come to {}", node.member());
            wait_until(&what, || self.fetch(node, "looked-at").contains(&document));
        }
    }

    /// Gives a node what `certmesh roster fetch` has written, as `cp -r` would.
    pub(crate) fn give(&self, folder: &str, node: &Node) {
        fs::copy(self.path(folder).join("roster.cbor"), node.home().join("roster.cbor")).unwrap();
        for file in fs::read_dir(self.path(folder).join("manifests")).unwrap() {
            let file = file.unwrap();
            fs::copy(file.path(), node.manifests().join(file.file_name())).unwrap();
        }
    }

    /// Puts another key in the place of a node's, on its machine, and writes the request of it; the key that was there.
    #[track_caller]
    pub(crate) fn renew_key(&self, node: &Node, request: &str) -> String {
        let (old, home) = (node.secret_key().node_id(), node.home().display().to_string());
        fs::remove_file(node.key_path()).unwrap();
        let _ = fs::remove_file(node.stop_note());
        self.ok(&format!("key new {home}/node.key"));
        let addresses = &self.mesh.addresses()[&old];
        let addresses: Vec<_> = addresses.iter().map(|address| format!("--address {address}")).collect();
        let (mesh, member, addresses) = (self.mesh.id(), node.member(), addresses.join(" "));
        self.keep(
            &format!("node request {home}/node.key --mesh {mesh} --member {member} {addresses}"),
            request,
        );
        old.to_string()
    }
}

/// Runs a command with these words in a folder.
pub(crate) fn run_in(folder: &Path, words: &str) -> Outcome {
    let mut command = program("certmesh");
    command.current_dir(folder).env_remove("CERTMESH_NODE").stdin(Stdio::null());
    Outcome::of(command.args(words.split_whitespace()))
}

/// A port that nothing listens on yet.
pub(crate) fn free_port() -> u16 {
    UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Lets a node that `certmesh init` has prepared share this machine with others: where SOC tools read it is of no matter here.
pub(crate) fn free_soc_port(home: &Path) {
    let config = fs::read_to_string(home.join("node.toml")).unwrap();
    fs::write(home.join("node.toml"), config.replace("127.0.0.1:7480", "127.0.0.1:0")).unwrap();
}

/// Publishes this many objects.
#[track_caller]
pub(crate) fn publish(node: &Node, seed: u64, objects: usize) -> u64 {
    node.run_fed(&["publish", "-"], &Bundle::varied(seed, objects).text()).done();
    objects as u64
}

#[track_caller]
pub(crate) fn all_hold(nodes: &[&Node], objects: u64) {
    eventually(&format!("{objects} objects on every node"), || {
        let held: Vec<_> = nodes.iter().map(|node| (node.member().to_owned(), node.holds().1)).collect();
        if held.iter().all(|(_, found)| *found == objects) { Ok(()) } else { Err(format!("{held:?}")) }
    });
}

#[track_caller]
pub(crate) fn all_stand_at(nodes: &[&Node], roster: &SignedRoster) {
    let id = roster.id().to_string();
    wait_until(&format!("roster version {} everywhere", roster.roster().version), || {
        nodes.iter().all(|node| node.status().roster_document == id)
    });
}

/// Waits until each node has, or has not, an alarm with these words.
#[track_caller]
pub(crate) fn all_alarm(nodes: &[&Node], words: &str, expected: bool) {
    for node in nodes {
        eventually(&format!("the alarm {words:?} of {} to be {expected}", node.member()), || {
            let alarms = node.status().alarms;
            let found = alarms.iter().any(|alarm| alarm.contains(words));
            if found == expected { Ok(()) } else { Err(format!("{alarms:?}")) }
        });
    }
}
