//! A mesh of real nodes in a folder of its own, for as long as somebody holds it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use certmesh_wire::{MeshId, NodeId, SignedManifest};
use tempfile::TempDir;

use crate::node::Node;
use crate::patience::eventually;
use crate::places::Place;
use crate::program::{Outcome, certmesh, top, with_target_dir};

/// Lines of each node's log that a failed test shows.
const LAST_WORDS: usize = 25;

/// A running mesh. When it is dropped, its nodes are stopped; a folder that it made itself goes, and
/// before that a failing test shows the ends of the logs in it.
pub struct Mesh {
    folder: Folder,
    nodes: Vec<Node>,
}

enum Folder {
    Own(TempDir),
    Given(PathBuf),
}

impl Folder {
    fn path(&self) -> &Path {
        match self {
            Self::Own(folder) => folder.path(),
            Self::Given(path) => path,
        }
    }
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
        Self::make(Folder::Own(folder_in(parent)), nodes, &[])
    }

    /// A mesh in a temporary folder, with a node in each of these places.
    #[track_caller]
    pub fn raise_on(places: &[Place]) -> Self {
        Self::make(Folder::Own(folder_in(&std::env::temp_dir())), places.len(), places)
    }

    /// A mesh in a folder that stays; in these places, if any are given.
    #[track_caller]
    pub fn raise_at(folder: &Path, nodes: usize, places: &[Place]) -> Self {
        Self::make(Folder::Given(folder.into()), nodes, places)
    }

    #[track_caller]
    fn make(folder: Folder, nodes: usize, places: &[Place]) -> Self {
        // Dropped, and so stopped, if not all of it comes up.
        let mut mesh = Self { folder, nodes: Vec::new() };
        let count = nodes.to_string();
        if places.is_empty() {
            mesh.script(&["up", "--nodes", &count, "--dir"]).done();
        } else {
            let list = tempfile::NamedTempFile::new().unwrap();
            serde_json::to_writer(list.as_file(), places).unwrap();
            let list = list.path().to_str().unwrap();
            mesh.script(&["up", "--nodes", &count, "--places", list, "--dir"]).done();
        }
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
        let roster = self.path("roster.cbor");
        let words = ["roster".as_ref(), "show".as_ref(), "--json".as_ref(), roster.as_os_str()];
        let roster: serde_json::Value = certmesh(words).json();
        roster["mesh_id"].as_str().unwrap().parse().unwrap()
    }

    /// Where each node can be reached, as the manifests say.
    pub fn addresses(&self) -> BTreeMap<NodeId, Vec<String>> {
        let manifests = std::fs::read_dir(self.nodes[0].manifests()).unwrap();
        // Later versions of the roster lie there too.
        let read = |entry: std::io::Result<std::fs::DirEntry>| {
            SignedManifest::decode(&std::fs::read(entry.unwrap().path()).unwrap()).ok()
        };
        let entries = manifests.filter_map(read).flat_map(|signed| signed.unverified().nodes.clone());
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
        if failing && matches!(self.folder, Folder::Own(_)) {
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

fn folder_in(parent: &Path) -> TempDir {
    tempfile::Builder::new().prefix("certmesh-").tempdir_in(parent).unwrap()
}

/// Stops the nodes of a mesh that somebody else holds, as before an end that runs no destructors.
pub fn stop_nodes_in(folder: &Path) {
    let mut script = Command::new(top().join("scripts/mesh"));
    let _ = Outcome::of(with_target_dir(script.arg("down").arg(folder)));
}
