//! The node: one process of a member, which keeps the records of the mesh and gives its operators
//! and SOC tools what they ask for. This file only wires the rooms together.

mod allowed;
mod awaited;
mod changes;
mod clock;
mod config;
mod driver;
mod exercise;
mod feeds;
mod local_api;
mod material;
mod metrics;
mod peers;
mod rebuilding;
mod soc;
mod standing;
mod stop_note;
mod sync;
mod telemetry;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use certmesh_engine::store::Store;
use certmesh_engine::{Engine, KnownValues, Membership, Steps, StopNote, commit};
use certmesh_mesh::Event;
use certmesh_store::{Reopened, RocksStore};
use clap::Parser;

use crate::allowed::AllowFile;
use crate::changes::Changes;
use crate::config::Config;
use crate::driver::{Driver, News};
use crate::feeds::Feeds;
use crate::material::Material;
use crate::peers::PeerBook;
use crate::standing::Standing;

/// Every thread that reads allocates blocks for RocksDB's cache, which others free. The C library's allocator keeps what each
/// of them has freed, and so grows with the threads.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Runs one node of a certmesh mesh, until SIGTERM or SIGINT.
///
/// It speaks to its operators through the `certmesh` command, over the Unix socket that its
/// configuration names.
#[derive(Debug, Parser)]
#[command(name = "certmesh-node", version)]
struct Arguments {
    /// The node's configuration; `config/node.toml` in the source tree explains every line.
    #[arg(long, value_name = "FILE", default_value = "/etc/certmesh/node.toml")]
    config: PathBuf,
}

/// Whatever ends a node, in words for its operator.
type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            telemetry::say_failure(&*failure);
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), Failure> {
    let config = Config::load(&arguments.config)?;
    telemetry::start(&config.log)?;
    keep_private()?;
    // The driver and the checking of signatures have threads of their own. Fewer workers here mean
    // fewer wake-ups of one by another, which is much of what a single publication costs.
    let workers = std::thread::available_parallelism().map_or(1, |cores| usize::from(cores).div_ceil(2));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(workers).enable_all().build()?;
    let soc = soc::runtime()?;
    raise_file_limit();
    let result = runtime.block_on(serve(config, soc.handle()));
    // A reader that still waits for its client must not hold up the end.
    soc.shutdown_timeout(std::time::Duration::from_secs(1));
    runtime.shutdown_timeout(std::time::Duration::from_secs(2));
    result
}

/// As many open files as the system lets this process have: the store, peers and SOC tools share them.
fn raise_file_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    if let Err(e) = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }) {
        tracing::warn!("the limit of open files stays at {:?}: {e}", limit.current);
    }
}

/// Files of the node are its own user's alone, and a crash writes no memory, and so no key, to disk.
fn keep_private() -> Result<(), Failure> {
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    let none = rustix::process::Rlimit { current: Some(0), maximum: Some(0) };
    rustix::process::setrlimit(rustix::process::Resource::Core, none)?;
    Ok(())
}

async fn serve(config: Config, soc_threads: &tokio::runtime::Handle) -> Result<(), Failure> {
    // Whatever can fail comes before the driver, whose thread has to be joined once it runs.
    let material = Material::load(&config)?;
    let (allow_file, allow) = AllowFile::open(config.allow_list.clone())?;
    let mut signals = Signals::new()?;
    let mut hang_ups = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup())?;
    let socket = local_api::bind(&config.api.socket).await?;
    // What renews its certificate lives on its threads.
    let listeners = {
        let _entered = soc_threads.enter();
        soc::prepare(&config.soc)?
    };
    let mesh_id = material.documents.mesh();
    let store = Arc::new(RocksStore::open(&config.data_dir, mesh_id)?);
    let (membership, member) = material.membership(&*store)?;
    let membership = Arc::new(membership);
    keep_documents(&*store, &membership)?;
    tokio::select! {
        rebuilt = rebuilding::rebuild_if_due(store.clone(), Arc::clone(&membership)) => rebuilt?,
        signal = signals.next() => {
            tracing::info!(signal, "stopping; the index is rebuilt on with the next start");
            return Ok(());
        }
    }
    let (set_standing, standing) = Standing::new(Arc::clone(&membership));
    let note_path = stop_note::path(&config.node_key);
    let note = stop_note::take(&note_path);
    let mut engine = Engine::open(Arc::clone(&membership), material.key.clone(), &*store, note.as_ref())?;
    let known = Arc::new(KnownValues::default());
    engine.keep_up(Arc::clone(&known));
    rebuilding::fill(Arc::clone(&known), store.clone());
    let node_id = engine.node_id();
    let peers = Arc::new(PeerBook::new(&membership, node_id));

    let source = sync::PullSource::new(store.clone(), standing.clone());
    let (mesh, mut events) = certmesh_mesh::start(
        certmesh_mesh::Config {
            key: material.key.clone(),
            mesh: mesh_id,
            listen: config.mesh.listen.clone(),
            peers: peers.addresses(),
        },
        Arc::new(source),
    )
    .await
    .inspect_err(|_| {
        // A start that came to nothing has signed nothing: the next one may believe the note.
        if let Some(note) = &note {
            stop_note::leave(&note_path, note);
        }
    })?;
    let changes = Changes::default();
    let mut driver = Driver::start(
        engine,
        changes.noticed(store.clone()),
        mesh.clone(),
        Arc::clone(&peers),
        set_standing,
        note_path,
        Box::new(reopening(material, store.clone(), Arc::clone(&known), changes.clone())),
    )?;
    let mut sync = sync::Sync::new(sync::Puller::new(
        mesh.clone(),
        driver.handle(),
        Arc::clone(&peers),
        store.clone(),
        standing.clone(),
        driver.signing(),
    ));
    let state = local_api::State {
        store: store.clone(),
        known,
        feeds: Feeds::new(
            store.clone(),
            standing.clone(),
            allow.clone(),
            Arc::clone(&peers),
            changes,
            &config.data_dir,
        ),
        allow,
        membership: standing.clone(),
        node_id,
        driver: driver.handle().live,
        mesh: mesh.clone(),
        peers: Arc::clone(&peers),
        signing: driver.signing(),
        tokens: driver.tokens(),
        full_disk: driver.full_disk(),
        store_id: store.id().to_string(),
        data_dir: config.data_dir.clone(),
        soc: Arc::default(),
    };
    let soc_api = soc::serve(soc_threads, listeners, &config.soc, state.clone());
    let local_api = local_api::serve(socket, state);
    tracing::info!(
        mesh = %mesh_id,
        member = %member,
        node = %node_id,
        socket = %config.api.socket.display(),
        listening = ?mesh.listen_addresses(),
        "the node is up",
    );

    let failure: Option<Failure> = loop {
        tokio::select! {
            signal = signals.next() => {
                tracing::info!(signal, "stopping");
                break None;
            }
            _ = hang_ups.recv() => allow_file.read_again(),
            news = driver.news() => match news {
                Some(News::Missing(peer)) => sync.nudge(peer),
                Some(News::Published) => sync.published(),
                Some(News::Changed) => sync.changed(),
                Some(News::Failed(failure)) => break Some(failure),
                None => break Some("the driver has stopped by itself; this is a defect".into()),
            },
            event = events.recv() => match event {
                Some(event) => take(event, &driver.handle(), &mut sync, &peers).await,
                None => break Some("the mesh has stopped by itself; this is a defect".into()),
            },
        }
    };
    soc_api.stop().await;
    local_api.stop().await;
    sync.stop();
    mesh.shutdown().await;
    driver.stop().await;
    match failure {
        None => Ok(()),
        Some(failure) => Err(failure),
    }
}

/// How the driver opens store and engine anew after a write for which the disk had no room.
fn reopening(
    material: Material,
    store: Arc<RocksStore>,
    known: Arc<KnownValues>,
    changes: Changes,
) -> impl Fn(Option<&StopNote>) -> Result<Option<Engine>, Failure> + Send {
    move |note| {
        match store.reopen()? {
            Reopened::Done => {}
            waiting @ (Reopened::NoRoom { .. } | Reopened::InUse) => {
                tracing::debug!(?waiting, "the store is not opened anew yet");
                return Ok(None);
            }
        }
        let (membership, _) = material.membership(&*store)?;
        let mut engine = Engine::open(Arc::new(membership), material.key.clone(), &*store, note)?;
        engine.keep_up(Arc::clone(&known));
        // What the failed write was to change may have changed.
        changes.note();
        Ok(Some(engine))
    }
}

/// What the files hold goes into the store, so that the mesh gets it from there.
fn keep_documents(store: &dyn Store, membership: &Membership) -> Result<(), Failure> {
    let mut steps = Steps::default();
    membership.documents().keep(&mut steps);
    commit(store, steps)?;
    Ok(())
}

async fn take(event: Event, driver: &driver::Inbox, sync: &mut sync::Sync, peers: &PeerBook) {
    match event {
        Event::Connected(node) => {
            peers.set_connected(node, true, clock::now_ms());
            sync.connected(node);
        }
        Event::Disconnected(node) => {
            peers.set_connected(node, false, clock::now_ms());
            sync.disconnected(node);
        }
        Event::Gossip { from, payload, receipt, place } => {
            // Waiting here is what slows gossip down to the disk's pace; the mesh drops what does
            // not fit its own queue, and sync brings it later.
            let _ = driver.live.send(driver::Input::Gossip { from, payload, receipt, place }).await;
        }
    }
}

/// The signals that ask a daemon to stop.
struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}
