//! One real node, and the command on it. Its process is `process.rs`'s matter.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use certmesh_api::{Client, Fork, Forks, ObjectLine, Peer, Peers, Status};
use certmesh_wire::{NodeId, SecretKey};
use serde::Deserialize;

use crate::holdings::Holdings;
use crate::program::{Outcome, certmesh, program};

/// A node as `mesh.json` describes it. It may be running or not.
#[derive(Debug, Clone)]
pub struct Node {
    entry: Entry,
}

/// A line of `mesh.json`, the contract of `scripts/mesh`.
#[derive(Debug, Clone, Deserialize)]
struct Entry {
    member: String,
    node_id: String,
    socket: PathBuf,
    data_dir: PathBuf,
    log: PathBuf,
    #[serde(default)]
    soc_url: Option<String>,
    #[serde(default)]
    soc_token: Option<String>,
}

fn entries(list: &Path) -> Vec<Entry> {
    let text = std::fs::read_to_string(list).expect("scripts/mesh leaves a mesh.json");
    serde_json::from_str(&text).expect("mesh.json has the promised form")
}

impl Node {
    /// The nodes of a `mesh.json`.
    pub(crate) fn all(list: &Path) -> Vec<Self> {
        entries(list).into_iter().map(|entry| Self { entry }).collect()
    }

    /// A node that `scripts/mesh` does not list, in a folder like those that it makes.
    pub fn in_folder(member: &str, home: &Path) -> Self {
        let key = SecretKey::from_pem(&std::fs::read_to_string(home.join("node.key")).unwrap()).unwrap();
        let entry = Entry {
            member: member.into(),
            node_id: key.node_id().to_string(),
            socket: home.join("node.sock"),
            data_dir: home.join("data"),
            log: home.join("node.log"),
            soc_url: None,
            soc_token: None,
        };
        Self { entry }
    }

    /// The member's code, such as `SG`.
    pub fn member(&self) -> &str {
        &self.entry.member
    }

    /// The node's key.
    pub fn node_id(&self) -> NodeId {
        self.entry.node_id.parse().expect("mesh.json names a node by its key")
    }

    /// The Unix socket of its local API.
    pub fn socket(&self) -> &Path {
        &self.entry.socket
    }

    /// The folder of its store.
    pub fn data_dir(&self) -> &Path {
        &self.entry.data_dir
    }

    /// The folder with its configuration, key, roster and manifests.
    pub fn home(&self) -> &Path {
        self.entry.socket.parent().expect("a socket lies in a folder")
    }

    /// The folder with its member's manifest and everyone else's.
    pub fn manifests(&self) -> PathBuf {
        self.home().join("manifests")
    }

    /// Where SOC tools reach it.
    pub fn soc_url(&self) -> &str {
        self.entry.soc_url.as_deref().expect("scripts/mesh says where SOC tools reach a node")
    }

    /// The token that `scripts/mesh` made for them.
    pub(crate) fn soc_token(&self) -> &str {
        self.entry.soc_token.as_deref().expect("scripts/mesh makes a token")
    }

    /// Where it says what it does.
    pub(crate) fn log_path(&self) -> &Path {
        &self.entry.log
    }

    /// Its local API.
    pub fn client(&self) -> Client {
        Client::new(self.socket())
    }

    /// All that it has said so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.entry.log).unwrap_or_default()
    }

    /// The file with its secret key.
    pub fn key_path(&self) -> PathBuf {
        self.home().join("node.key")
    }

    /// The file in which it notes a clean stop, for its next start.
    pub fn stop_note(&self) -> PathBuf {
        self.home().join("node.key.stopped")
    }

    /// Its secret key, for endpoints that pretend to be it.
    pub fn secret_key(&self) -> SecretKey {
        let pem = std::fs::read_to_string(self.key_path()).unwrap();
        SecretKey::from_pem(&pem).unwrap()
    }

    /// Runs the operators' command on this node.
    pub fn run<S: AsRef<OsStr>>(&self, words: impl IntoIterator<Item = S>) -> Outcome {
        let words: Vec<_> = words.into_iter().map(|word| word.as_ref().to_owned()).collect();
        certmesh(
            [OsStr::new("--node"), self.entry.socket.as_os_str()].into_iter().map(Into::into).chain(words),
        )
    }

    /// Runs the operators' command on this node, with this on its stdin.
    pub fn run_fed(&self, words: &[&str], stdin: &str) -> Outcome {
        Outcome::of_fed(program("certmesh").arg("--node").arg(self.socket()).args(words), stdin)
    }

    /// Publishes a file; the records that it became.
    #[track_caller]
    pub fn publish(&self, file: &Path) -> Vec<String> {
        #[derive(Deserialize)]
        struct Published {
            records: Vec<String>,
        }
        let outcome = self.run([OsStr::new("publish"), file.as_os_str(), OsStr::new("--json")]);
        outcome.json::<Published>().records
    }

    /// How the node is.
    #[track_caller]
    pub fn status(&self) -> Status {
        self.run(["status", "--json"]).json()
    }

    /// How many records and objects it holds.
    #[track_caller]
    pub fn holds(&self) -> (u64, u64) {
        let status = self.status();
        (status.records, status.objects)
    }

    /// Every record that it holds and that counts.
    #[track_caller]
    pub fn holdings(&self) -> Holdings {
        let file = self.home().join("holdings.export");
        let _ = std::fs::remove_file(&file);
        self.run(["export".as_ref(), "--records".as_ref(), file.as_os_str()]).done();
        let bytes = std::fs::read(&file).unwrap();
        std::fs::remove_file(&file).unwrap();
        Holdings::read(&bytes)
    }

    /// What it knows of another member's node.
    #[track_caller]
    pub fn peer(&self, member: &str) -> Peer {
        let peers: Peers = self.run(["peers", "--json"]).json();
        peers.peers.into_iter().find(|peer| peer.member == member).expect("a node of each member")
    }

    /// The logs whose key, as it knows, has signed two histories.
    #[track_caller]
    pub fn forks(&self) -> Vec<Fork> {
        self.run(["forks", "--json"]).json::<Forks>().forks
    }

    /// The objects that a query finds, latest arrival first; all of them without arguments.
    #[track_caller]
    pub fn query(&self, words: &[&str]) -> Vec<ObjectLine> {
        self.run(["query", "--json"].iter().chain(words)).lines()
    }
}
