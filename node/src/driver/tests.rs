//! The driver on a disk without room: what was asked for in the write that failed, and what comes after it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex};
use std::time::Duration;

use certmesh_engine::Membership;
use certmesh_engine::store::{Batch, Family, MemoryStore, Order, Readable, Visit};
use certmesh_engine::tokens::{Scope, TokenFault, TokenTerms};
use certmesh_intel::Tlp;
use certmesh_mesh::{AnswerFault, Config, Source};
use certmesh_wire::{
    Consent, Manifest, Member, NodeEntry, NodeState, Roster, RosterLimits, SecretKey, SignedManifest,
    SignedRoster,
};

use super::tokens::{CreateReply, RevokeReply};
use super::*;
use crate::standing::Standing;

/// Longer than anything here takes, and shorter than anybody waits.
const PATIENCE: Duration = Duration::from_secs(30);

/// A disk that has room for so many commits more.
struct Disk {
    memory: MemoryStore,
    room: Mutex<Room>,
    changed: Condvar,
}

#[derive(Clone, Copy)]
enum Room {
    /// Whoever commits waits until it is known.
    Unknown,
    /// Somebody does.
    Awaited,
    /// For so many commits.
    For(u64),
    /// None for the next commit, which is written all the same, and then enough.
    Misjudged,
}

const ENOUGH: Room = Room::For(u64::MAX);
const FULL: Room = Room::For(0);

impl Disk {
    fn set(&self, room: Room) {
        *self.room.lock().unwrap() = room;
        self.changed.notify_all();
    }
}

impl Readable for Disk {
    fn get(&self, family: Family, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.memory.get(family, key)
    }

    fn scan(
        &self,
        family: Family,
        from: &[u8],
        to: &[u8],
        order: Order,
        visit: Visit<'_>,
    ) -> Result<(), StoreError> {
        self.memory.scan(family, from, to, order, visit)
    }
}

impl Store for Disk {
    fn freeze(&self, look: &mut dyn FnMut(&dyn Readable)) -> Result<(), StoreError> {
        self.memory.freeze(look)
    }

    fn commit(&self, batch: &Batch) -> Result<(), StoreError> {
        let mut room = self.room.lock().unwrap();
        if matches!(*room, Room::Unknown) {
            *room = Room::Awaited;
        }
        let mut room = self.changed.wait_while(room, |room| matches!(room, Room::Awaited)).unwrap();
        let full = StoreError { doing: "writing", cause: "No space left on device".into() };
        match *room {
            Room::For(0) | Room::Unknown | Room::Awaited => Err(full),
            Room::For(commits) => {
                *room = Room::For(commits - 1);
                self.memory.commit(batch)
            }
            Room::Misjudged => {
                *room = ENOUGH;
                self.memory.commit(batch)?;
                Err(full)
            }
        }
    }
}

/// Nobody pulls here.
struct Nothing;

impl Source for Nothing {
    fn member(&self, _: NodeId) -> Option<certmesh_wire::MemberCode> {
        None
    }

    fn answer(&self, _: NodeId, _: &[u8]) -> Result<Vec<u8>, AnswerFault> {
        Ok(Vec::new())
    }
}

/// A mesh of one member with one node.
fn membership(key: &SecretKey) -> Membership {
    let (code, root) = ("SG".parse().unwrap(), SecretKey::from_seed(&[2; 32]));
    let member = Member {
        code,
        cert: "SingCERT".into(),
        identity: "identity--00000000-0000-4000-8000-000000000001".into(),
        root_key: root.root_key(),
    };
    let roster = SignedRoster::found(Roster {
        version: 0,
        round: 0,
        prev: None,
        name: "test".into(),
        exercise: true,
        expires_ms: u64::MAX,
        members: vec![member],
        groups: Vec::new(),
        limits: RosterLimits::default(),
        pins: Vec::new(),
    });
    let roster = roster.unwrap();
    let node = NodeEntry {
        node: key.node_id(),
        state: NodeState::Live,
        addresses: vec!["/ip4/127.0.0.1/tcp/1".into()],
        checkpoints: Vec::new(),
        consent: Consent::sign(roster.mesh(), code, key),
    };
    let manifest = Manifest {
        mesh: roster.mesh(),
        member: code,
        version: 0,
        prev: None,
        roster: 0,
        expires_ms: u64::MAX,
        nodes: vec![node],
    };
    let manifest = SignedManifest::sign(manifest, &root).unwrap();
    Membership::new(roster, [manifest]).unwrap()
}

/// A driver on such a disk.
struct Case {
    driver: Driver,
    disk: Arc<Disk>,
    /// How often it was opened anew.
    reopened: Arc<AtomicUsize>,
    folder: tempfile::TempDir,
}

impl Case {
    async fn new() -> Self {
        let key = SecretKey::from_seed(&[1; 32]);
        let membership = Arc::new(membership(&key));
        let disk = Disk { memory: MemoryStore::default(), room: Mutex::new(ENOUGH), changed: Condvar::new() };
        let (disk, folder) = (Arc::new(disk), tempfile::tempdir().unwrap());
        let mut engine = Engine::open(Arc::clone(&membership), key.clone(), &*disk, None).unwrap();
        engine.vouch();
        let config = Config {
            key: key.clone(),
            mesh: membership.documents().mesh(),
            listen: vec!["/ip4/127.0.0.1/tcp/0".into()],
            peers: Default::default(),
        };
        let (mesh, _) = certmesh_mesh::start(config, Arc::new(Nothing)).await.unwrap();
        let peers = Arc::new(PeerBook::new(&membership, key.node_id()));
        let (standing, _) = Standing::new(Arc::clone(&membership));
        let reopened = Arc::new(AtomicUsize::new(0));
        let (store, count) = (Arc::clone(&disk), Arc::clone(&reopened));
        let reopen = move |note: Option<&StopNote>| {
            count.fetch_add(1, Ordering::Relaxed);
            Ok(Some(Engine::open(Arc::clone(&membership), key.clone(), &*store, note)?))
        };
        let note = folder.path().join("note");
        let store: Arc<dyn Store> = Arc::clone(&disk) as Arc<dyn Store>;
        let driver = Driver::start(engine, store, mesh, peers, standing, note, Box::new(reopen)).unwrap();
        Self { driver, disk, reopened, folder }
    }

    /// Gives an input with a place for its answer; the answer, or nothing if it was not carried out.
    async fn ask<T>(&self, input: impl FnOnce(oneshot::Sender<T>) -> Input) -> oneshot::Receiver<T> {
        let (reply, answer) = oneshot::channel();
        self.driver.handle().live.send(input(reply)).await.unwrap();
        answer
    }

    async fn create(&self, name: &str) -> oneshot::Receiver<CreateReply> {
        let terms = TokenTerms {
            name: name.into(),
            ceiling: Tlp::Green,
            scopes: Scope::READING.into(),
            networks: Vec::new(),
            expires_ms: now_ms() + 1_000_000,
            exercise: true,
        };
        self.ask(|reply| Input::CreateToken { terms, reply }).await
    }

    async fn revoke(&self, name: &str) -> RevokeReply {
        within(self.ask(|reply| Input::RevokeToken { id_or_name: name.into(), reply }).await).await.unwrap()
    }

    /// What waits for room.
    fn waiting(&self) -> Option<FullDisk> {
        self.driver.full_disk().borrow().clone()
    }

    fn names(&self) -> Vec<String> {
        self.driver.tokens().borrow().all().iter().map(|token| token.terms.name.clone()).collect()
    }

    async fn until_there_is_room(&self) {
        within(self.driver.full_disk().wait_for(Option::is_none)).await.unwrap();
    }
}

async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("it never comes")
}

async fn until(is_so: impl Fn() -> bool) {
    within(async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_revoked_in_the_write_that_fails_opens_nothing_and_that_is_written_later() {
    let case = Case::new().await;
    for name in ["first", "second", "third"] {
        within(case.create(name).await).await.unwrap().unwrap();
    }
    case.disk.set(FULL);
    assert!(!case.revoke("second").await.unwrap().is_kept);
    assert_eq!(case.names(), ["first", "third"]);
    // This one comes when it is known that there is no room.
    assert!(!case.revoke("third").await.unwrap().is_kept);
    let waiting = Some(FullDisk { revoked: vec!["second".into(), "third".into()] });
    assert_eq!(case.waiting(), waiting);
    assert!(matches!(case.revoke("second").await, Err(TokenFault::Unknown(_))));
    assert!(within(case.create("fourth").await).await.is_err(), "it can't be kept");

    // Opened anew, there is no room still.
    let before = case.reopened.load(Ordering::Relaxed);
    until(|| case.reopened.load(Ordering::Relaxed) >= before + 2).await;
    assert_eq!((case.waiting(), case.names()), (waiting, vec!["first".to_owned()]));

    case.disk.set(ENOUGH);
    case.until_there_is_room().await;
    assert_eq!(case.names(), ["first"]);
    assert_eq!(Tokens::read(&*case.disk).unwrap().all().len(), 1, "it is written");
    within(case.create("second").await).await.unwrap().unwrap();
    within(case.driver.stop()).await;
    assert!(case.folder.path().join("note").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_not_be_done_in_the_write_that_fails_is_answered() {
    let case = Case::new().await;
    case.disk.set(Room::Unknown);
    let held = case.create("first").await;
    until(|| matches!(*case.disk.room.lock().unwrap(), Room::Awaited)).await;
    let unknown = case.ask(|reply| Input::RevokeToken { id_or_name: "nobody".into(), reply }).await;
    let second = case.create("second").await;
    case.disk.set(Room::For(1));
    within(held).await.unwrap().unwrap();
    assert!(within(second).await.is_err(), "it can't be kept");
    assert!(matches!(within(unknown).await.unwrap(), Err(TokenFault::Unknown(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_that_meets_the_write_that_fails_ends_the_driver() {
    let case = Case::new().await;
    case.disk.set(Room::Unknown);
    let held = case.create("first").await;
    until(|| matches!(*case.disk.room.lock().unwrap(), Room::Awaited)).await;
    let second = case.create("second").await;
    let live = case.driver.handle().live;
    let stopped = tokio::spawn(case.driver.stop());
    // Both wait together for the next turn.
    until(|| live.max_capacity() - live.capacity() == 2).await;
    case.disk.set(Room::For(1));
    within(held).await.unwrap().unwrap();
    assert!(within(second).await.is_err(), "it can't be kept");
    within(stopped).await.unwrap();
    assert!(!case.folder.path().join("note").exists(), "what the failed write has left behind is not known");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_failed_write_has_written_all_the_same_is_told_to_who_follows() {
    let case = Case::new().await;
    let mut arrivals = within(case.ask(|reply| Input::Arrivals { reply }).await).await.unwrap();
    let object = r#"{"type":"indicator","spec_version":"2.1","id":"indicator--00000000-0000-4000-8000-000000000001","created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z","pattern":"[domain-name:value = 'evil.example']","pattern_type":"stix","valid_from":"2026-01-01T00:00:00Z"}"#;
    let objects = vec![serde_json::value::RawValue::from_string(object.into()).unwrap()];
    case.disk.set(Room::Misjudged);
    let reply = within(case.ask(|reply| Input::Publish { objects, reply }).await).await.unwrap();
    assert!(matches!(reply, Err(PublishFault::Store(fault)) if fault.is_full()));
    case.until_there_is_room().await;
    within(arrivals.changed()).await.unwrap();
    let last = certmesh_engine::last_arrival(&*case.disk).unwrap();
    assert!(last > 0 && *arrivals.borrow() == last);
}
