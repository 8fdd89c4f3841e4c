//! A mesh of real nodes in a folder of its own, for as long as somebody holds it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use certmesh_wire::{MeshId, NodeId, SignedManifest};
use tempfile::TempDir;

use crate::node::Node;
use crate::patience::eventually;
use crate::program::{Outcome, top, with_target_dir};

/// Lines of each node's log that a failed test shows.
const LAST_WORDS: usize = 25;

/// A running mesh. When it is dropped, its nodes are stopped and its folder goes; a failing test
/// shows the ends of their logs.
pub struct Mesh {
    folder: TempDir,
    nodes: Vec<Node>,
}

impl Mesh {
    /// Raises a mesh of so many members in a temporary folder.
    ///
    /// # Panics
    /// If `scripts/mesh up` fails.
    #[track_caller]
    pub fn raise(nodes: usize) -> Self {
        Self::raise_in(&std::env::temp_dir(), nodes)
    }

    /// The same, in a folder within `parent`, on whose disk the data will lie.
    #[track_caller]
    pub fn raise_in(parent: &Path, nodes: usize) -> Self {
        let folder = tempfile::Builder::new().prefix("certmesh-").tempdir_in(parent).unwrap();
        // Dropped, and so stopped, if not all of it comes up.
        let mut mesh = Self { folder, nodes: Vec::new() };
        mesh.script(&["up", "--nodes", &nodes.to_string(), "--dir"]).done();
        mesh.nodes = Node::all(&mesh.path("mesh.json"));
        assert_eq!(mesh.nodes.len(), nodes);
        mesh
    }

    /// Starts what is not running, on the data that is there.
    #[track_caller]
    pub fn up(&self) {
        self.script(&["up", "--dir"]).done();
    }

    /// The node of a member.
    #[track_caller]
    pub fn node(&self, member: &str) -> &Node {
        let found = self.nodes.iter().find(|node| node.member() == member);
        found.unwrap_or_else(|| panic!("the mesh has no {member}"))
    }

    /// All nodes, running or not, in the order in which `scripts/mesh` lists them.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// A place in the mesh's folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The id that the roster gives it.
    pub fn id(&self) -> MeshId {
        let roster: serde_json::Value = crate::program::certmesh([
            "roster",
            "show",
            "--json",
            self.path("roster.cbor").to_str().unwrap(),
        ])
        .json();
        roster["mesh_id"].as_str().unwrap().parse().unwrap()
    }

    /// Where each node can be reached, as the manifests say.
    pub fn addresses(&self) -> BTreeMap<NodeId, Vec<String>> {
        let manifests = std::fs::read_dir(self.nodes[0].home().join("manifests")).unwrap();
        let read = |entry: std::io::Result<std::fs::DirEntry>| {
            SignedManifest::decode(&std::fs::read(entry.unwrap().path()).unwrap()).unwrap()
        };
        let entries = manifests.map(read).flat_map(|signed| signed.unverified().nodes.clone());
        entries.map(|entry| (entry.node, entry.addresses)).collect()
    }

    /// Waits until every node holds so many objects, in equally many records.
    #[track_caller]
    pub fn wait_for_objects(&self, objects: u64) {
        eventually("all objects on every node", || {
            let held: Vec<_> = self.nodes.iter().map(Node::holds).collect();
            let same = held.iter().all(|one| *one == held[0] && one.1 == objects);
            if same { Ok(()) } else { Err(format!("of {objects} objects: (records, objects) {held:?}")) }
        });
    }

    fn script(&self, words: &[&str]) -> Outcome {
        let mut script = Command::new(top().join("scripts/mesh"));
        script.args(words).arg(self.folder.path());
        Outcome::of(with_target_dir(&mut script))
    }

    /// The ends of the nodes' logs.
    fn last_words(&self) -> String {
        let mut words = String::new();
        for node in &self.nodes {
            let log = node.log();
            let from = log.lines().count().saturating_sub(LAST_WORDS);
            let tail: Vec<_> = log.lines().skip(from).map(|line| format!("    {line}\n")).collect();
            words += &format!("the end of {}'s log:\n{}", node.member(), tail.concat());
        }
        words
    }
}

impl Drop for Mesh {
    fn drop(&mut self) {
        let failing = std::thread::panicking();
        if failing {
            // The harness captures it, and shows it with the failure.
            #[allow(clippy::print_stderr)]
            {
                eprintln!("{}", self.last_words());
            }
        }
        let stopped = self.script(&["down"]);
        assert!(failing || stopped.code == Some(0), "the mesh did not stop cleanly: {}", stopped.stderr);
    }
}
