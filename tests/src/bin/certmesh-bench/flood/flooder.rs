//! The member that floods: a process of its own, so that it can be given what the others leave of
//! the cores, and no more: on one machine its own work would otherwise be what is measured.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use certmesh_mesh::{AnswerFault, Config, Mesh as Endpoint, Source, start};
use certmesh_tests::{Mesh, Node, Pen, Written};
use certmesh_wire::limits::{SYNC_ANSWER_BUDGET, SYNC_RECORDS};
use certmesh_wire::{
    Frontier, FrontierEntry, LogId, MemberCode, MeshId, NodeId, Parcel, Place, SignedManifest, SyncAnswer,
    SyncRequest,
};
use tokio::sync::watch;

use super::{Flood, Sent};
use crate::feed;

/// Any free port: real nodes are dialled, and need not dial back.
const LISTEN: &str = "/ip4/127.0.0.1/udp/0/quic-v1";
/// The number of the feed that it publishes.
const FEED: u64 = 77;
/// Between two looks, while there is nothing to send.
const PAUSE: Duration = Duration::from_millis(5);

/// The flooding process, as the one that measures holds it. It ends when it is dropped.
pub(crate) struct Flooder {
    child: Child,
    orders: Option<ChildStdin>,
    words: BufReader<ChildStdout>,
}

impl Flooder {
    /// Starts it in the place of a member's node, and waits until it is connected to all others.
    pub(crate) fn start(mesh: &Mesh, member: &Node) -> Self {
        let program = std::env::current_exe().expect("a running program has a path");
        let mut command = Command::new("nice");
        command.args(["-n", "19"]).arg(program).arg("--flooder").arg(member.home());
        command.args(["--mesh", &mesh.id().to_string()]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("`nice` is there, and so is this program");
        let orders = child.stdin.take();
        let words = BufReader::new(child.stdout.take().expect("its stdout is a pipe"));
        let mut flooder = Self { child, orders, words };
        assert_eq!(flooder.line(), "\"ready\"\n", "the flooder does not connect");
        flooder
    }

    /// Its process: `nice` becomes what it runs.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Makes it send this from now on; what it has sent since the last time.
    pub(crate) fn turn(&mut self, flood: Flood) -> Sent {
        let order = serde_json::to_string(&flood).expect("a word is JSON");
        let orders = self.orders.as_mut().expect("it has its orders until it is dropped");
        writeln!(orders, "{order}").expect("the flooder reads its orders");
        serde_json::from_str(&self.line()).expect("the flooder answers with what it sent")
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.words.read_line(&mut line).expect("the flooder writes lines");
        line
    }
}

impl Drop for Flooder {
    fn drop(&mut self) {
        // It ends with its orders.
        drop(self.orders.take());
        let _ = self.child.wait();
    }
}

/// Is the flooder, with the key and the manifests in a node's folder, which is named after its member, until stdin ends.
pub(crate) async fn run(home: &Path, mesh: MeshId) {
    let key = certmesh_wire::SecretKey::from_pem(
        &std::fs::read_to_string(home.join("node.key")).expect("a node has a key"),
    )
    .expect("a node's key is one");
    let member = home.file_name().expect("a node's folder has a name").to_string_lossy().to_uppercase();
    let peers = addresses(&home.join("manifests"));
    let log = Arc::new(Log::new(Pen::new(&member, key.clone(), mesh)));
    let config = Config { key: key.clone(), mesh, listen: vec![LISTEN.into()], peers: peers.clone() };
    let source = Answers(Arc::clone(&log));
    let (endpoint, mut events) = start(config, Arc::new(source)).await.expect("the endpoint starts");
    // It hears nothing of what the others say, but must not be taken for dead.
    tokio::spawn(async move { while events.recv().await.is_some() {} });
    while endpoint.connected().len() + 1 < peers.len() {
        tokio::time::sleep(PAUSE).await;
    }
    say("ready");
    let (turn, turns) = watch::channel(Flood::Nothing);
    let sent = Arc::new(Mutex::new(Sent::default()));
    tokio::spawn(send(endpoint.clone(), Arc::clone(&log), turns, Arc::clone(&sent)));
    let obey = move || obey(&turn, &sent, &log, &endpoint);
    tokio::task::spawn_blocking(obey).await.expect("orders are obeyed");
}

fn say(words: impl serde::Serialize) {
    let line = serde_json::to_string(&words).expect("words are JSON");
    let mut stdout = std::io::stdout();
    // Whoever started it has gone, and stdin will end.
    let _ = writeln!(stdout, "{line}").and_then(|()| stdout.flush());
}

/// Where each node can be reached, as the manifests say.
fn addresses(manifests: &Path) -> BTreeMap<NodeId, Vec<String>> {
    let files = std::fs::read_dir(manifests).expect("a node has manifests");
    let paths = files.map(|file| file.expect("a folder can be read").path());
    let is_manifest = |path: &PathBuf| path.extension().is_some_and(|it| it == "cbor");
    let entries = paths.filter(is_manifest).flat_map(|path| {
        let bytes = std::fs::read(path).expect("a manifest can be read");
        SignedManifest::decode(&bytes).expect("a manifest is one").unverified().nodes.clone()
    });
    entries.map(|entry| (entry.node, entry.addresses)).collect()
}

/// Takes orders until there are no more; after each, says what was sent since the one before.
fn obey(turn: &watch::Sender<Flood>, sent: &Mutex<Sent>, log: &Log, endpoint: &Endpoint) {
    let (mut unsent, mut answered) = (0, 0);
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        turn.send_replace(serde_json::from_str(&line).expect("an order names a flood"));
        let mut sent = std::mem::take(&mut *sent.lock().unwrap_or_else(PoisonError::into_inner));
        let all = (endpoint.counts().gossip_unsent, log.answered.load(Ordering::Relaxed));
        (sent.unsent, sent.answered) = (all.0 - unsent, all.1 - answered);
        (unsent, answered) = all;
        sent.connected = endpoint.connected().len();
        say(sent);
    }
}

/// Sends as fast as the endpoint takes it.
async fn send(endpoint: Endpoint, log: Arc<Log>, turns: watch::Receiver<Flood>, sent: Arc<Mutex<Sent>>) {
    for at in 0_u64.. {
        let turn = *turns.borrow();
        let payload = match turn {
            Flood::Nothing => {
                tokio::time::sleep(PAUSE).await;
                continue;
            }
            Flood::Valid => log.write(),
            Flood::Garbage => log.garbage(at),
        };
        {
            let mut sent = sent.lock().unwrap_or_else(PoisonError::into_inner);
            (sent.payloads, sent.bytes) = (sent.payloads + 1, sent.bytes + payload.len() as u64);
        }
        endpoint.gossip(payload).await;
    }
}

/// The flooder's own log, all of it valid.
struct Log {
    id: LogId,
    written: Mutex<(Pen, Vec<Written>)>,
    answered: AtomicU64,
}

impl Log {
    fn new(mut pen: Pen) -> Self {
        let (id, opening) = (pen.opening().log_id(), pen.open());
        Self { id, written: Mutex::new((pen, vec![opening])), answered: AtomicU64::new(0) }
    }

    fn with<T>(&self, act: impl FnOnce(&mut Pen, &mut Vec<Written>) -> T) -> T {
        let (pen, written) = &mut *self.written.lock().unwrap_or_else(PoisonError::into_inner);
        act(pen, written)
    }

    /// Writes another record; the payload to gossip.
    fn write(&self) -> Vec<u8> {
        self.with(|pen, written| {
            let record = pen.write(&[feed::indicator(FEED, written.len() as u64)]);
            let payload = record.parcel();
            written.push(record);
            payload
        })
    }

    /// Bytes that no node may take, never the same ones twice.
    fn garbage(&self, at: u64) -> Vec<u8> {
        let noise = feed::indicator(FEED + 1, at).into_bytes();
        match at % 3 {
            0 => noise,
            1 => Parcel::new(noise, None).encode(),
            _ => self.with(|pen, _| {
                let next = pen.clone().write(&[feed::indicator(FEED + 2, at)]);
                let mut signed = next.record.signed().to_vec();
                let last = signed.len() - 1;
                signed[last] ^= 1;
                Parcel::new(signed, next.body).encode()
            }),
        }
    }

    fn frontier(&self) -> Frontier {
        let (log, next, head) =
            self.with(|_, written| (self.id, written.len() as u64, written[written.len() - 1].record.id()));
        Frontier::new([FrontierEntry { log, next, head, bodies: next, missing: 0, fork: None }])
    }

    /// Records from this place on, within an answer's budget.
    fn records(&self, from: u64) -> SyncAnswer {
        self.with(|_, written| {
            let mut room = SYNC_ANSWER_BUDGET;
            let fits = |one: &&Written| {
                room = room.saturating_sub(one.record.signed().len());
                room > 0
            };
            let rest = written.iter().skip(from as usize);
            let records: Vec<_> =
                rest.take_while(fits).take(SYNC_RECORDS).map(|one| one.record.signed().to_vec()).collect();
            let more = from as usize + records.len() < written.len();
            SyncAnswer::Records(records, more)
        })
    }

    fn bodies(&self, places: &[Place]) -> SyncAnswer {
        self.with(|_, written| {
            let of = |(log, seq): &Place| {
                Some((*log, *seq, written.get(*seq as usize)?.body.clone()?)).filter(|_| *log == self.id)
            };
            SyncAnswer::Bodies(places.iter().filter_map(of).collect())
        })
    }
}

/// Answers questions as an honest node that knows of no other log would.
struct Answers(Arc<Log>);

impl Source for Answers {
    /// It shares with nobody, and so needs not tell them apart.
    fn member(&self, _: NodeId) -> Option<MemberCode> {
        None
    }

    fn answer(&self, _: NodeId, request: &[u8]) -> Result<Vec<u8>, AnswerFault> {
        let malformed = |fault: certmesh_wire::CodecFault| AnswerFault::Malformed(fault.to_string());
        let log = &self.0;
        log.answered.fetch_add(1, Ordering::Relaxed);
        let answer = match SyncRequest::decode(request).map_err(malformed)? {
            SyncRequest::Compare(_) => SyncAnswer::Frontier(log.frontier()),
            SyncRequest::Records(places) => {
                let own = places.iter().find(|(id, _)| *id == log.id);
                own.map_or(SyncAnswer::Records(Vec::new(), false), |(_, from)| log.records(*from))
            }
            SyncRequest::Bodies(places) => log.bodies(&places),
            SyncRequest::Ids(places) => SyncAnswer::Ids(vec![None; places.len()]),
            SyncRequest::Forks(_) => SyncAnswer::Forks(Vec::new()),
            SyncRequest::Documents(_) => SyncAnswer::Same,
            SyncRequest::Fetch(_) => SyncAnswer::Documents(Vec::new()),
        };
        Ok(answer.encode())
    }
}
