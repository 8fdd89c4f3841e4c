//! One real node: the command on it, and the signals that end it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use certmesh_api::{ObjectLine, Peer, Peers, Status};
use certmesh_wire::{NodeId, SecretKey};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use serde::Deserialize;

use crate::patience::wait_until;
use crate::program::{Outcome, certmesh, program};

/// A node as `mesh.json` describes it. It may be running or not.
#[derive(Debug, Clone)]
pub struct Node {
    entry: Entry,
    list: PathBuf,
}

/// A line of `mesh.json`, the contract of `scripts/mesh`.
#[derive(Debug, Clone, Deserialize)]
struct Entry {
    member: String,
    node_id: String,
    socket: PathBuf,
    data_dir: PathBuf,
    pid: Option<i32>,
    log: PathBuf,
}

fn entries(list: &Path) -> Vec<Entry> {
    let text = std::fs::read_to_string(list).expect("scripts/mesh leaves a mesh.json");
    serde_json::from_str(&text).expect("mesh.json has the promised form")
}

impl Node {
    /// The nodes of a `mesh.json`.
    pub(crate) fn all(list: &Path) -> Vec<Self> {
        entries(list).into_iter().map(|entry| Self { entry, list: list.into() }).collect()
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

    /// All that it has said so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.entry.log).unwrap_or_default()
    }

    /// Its secret key, for endpoints that pretend to be it.
    pub fn secret_key(&self) -> SecretKey {
        let pem = std::fs::read_to_string(self.home().join("node.key")).unwrap();
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

    /// What it knows of another member's node.
    #[track_caller]
    pub fn peer(&self, member: &str) -> Peer {
        let peers: Peers = self.run(["peers", "--json"]).json();
        peers.peers.into_iter().find(|peer| peer.member == member).expect("a node of each member")
    }

    /// The objects that a query finds, latest arrival first; all of them without arguments.
    #[track_caller]
    pub fn query(&self, words: &[&str]) -> Vec<ObjectLine> {
        self.run(["query", "--json"].iter().chain(words)).lines()
    }

    /// Ends it without a word, as a power cut would end its process.
    pub fn kill(&self) {
        self.end(Signal::KILL);
    }

    /// Asks it to stop, and returns how long that took.
    pub fn stop(&self) -> Duration {
        let asked = Instant::now();
        self.end(Signal::TERM);
        asked.elapsed()
    }

    fn end(&self, signal: Signal) {
        let pid = self.pid();
        kill_process(pid, signal).unwrap_or_else(|error| panic!("{} is not running: {error}", self.member()));
        wait_until("a process to end", || is_gone(pid));
    }

    /// The process as of the last start: `scripts/mesh up` writes it down each time.
    fn pid(&self) -> Pid {
        let entry = entries(&self.list).into_iter().find(|entry| entry.member == self.member());
        let pid = entry.and_then(|entry| entry.pid).and_then(Pid::from_raw);
        pid.unwrap_or_else(|| panic!("{} is not running", self.member()))
    }
}

/// A zombie counts as gone: it holds neither files nor sockets, and whoever adopted it may be slow
/// to bury it.
fn is_gone(pid: Pid) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero()));
    let is_zombie = stat.is_ok_and(|stat| stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with('Z')));
    is_zombie || test_kill_process(pid).is_err()
}
