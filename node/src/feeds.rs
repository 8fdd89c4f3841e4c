//! The lists that SOC tools read, made from the views: for the operators' command and for the listener of SOC tools alike.
//!
//! A list is made on a thread that may block, piece by piece. One that is short enough is kept as long as what it is made
//! from stays the same, so that whoever asks again gets it, or hears that it hasn't changed, at no cost; a longer one is
//! made into a file, and goes out meanwhile. Values are left out that have expired, were taken back, are marked above the reader's
//! ceiling, are called false positives, or are on the node's allow-list.

mod cache;
mod event;
mod made;
mod making;
mod objects;
mod rows;
mod sink;
mod spool;
mod wanted;

use std::cell::RefCell;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use certmesh_engine::store::{Readable, Store, StoreError};
use certmesh_engine::tokens::TokenId;
use certmesh_engine::{Reader, last_arrival};
use certmesh_intel::Tlp;
use certmesh_intel::formats::{Feed, Head, Source, Writer};
use certmesh_wire::sha256;
use tokio::sync::{Semaphore, oneshot};

use crate::allowed::Allowed;
use crate::awaited::Awaited;
use crate::changes::Changes;
use crate::clock::now_ms;
use crate::peers::PeerBook;
use crate::standing::Standing;
use cache::{Cache, Kept, Numbered, State};
use event::Events;
pub(crate) use made::Made;
use made::Text;
use making::{Making, Out};
use sink::{KEPT_BYTES, Reply, Sink};
use spool::Spools;
pub(crate) use wanted::{Wanted, WantedFault};

/// Lists that are made at once, before their readers get any of them.
const TURNS: usize = 2;
/// How often the clock is looked at for the next second.
const TICK: Duration = Duration::from_millis(20);

/// Which text is asked for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Name {
    /// A list.
    List(Feed),
    /// A file of the MISP feed beside its manifest: an event.
    MispEvent(uuid::Uuid),
    /// The digests of the MISP feed's values.
    MispHashes,
}

impl Name {
    /// Reads a name below `/feeds/`.
    pub(crate) fn read(name: &str) -> Option<Self> {
        if let Ok(feed) = name.parse() {
            return Some(Self::List(feed));
        }
        let inner = name.strip_prefix("misp/")?;
        if inner == "hashes.csv" {
            return Some(Self::MispHashes);
        }
        inner.strip_suffix(".json")?.parse().ok().map(Self::MispEvent)
    }

    /// For an answer's `Content-Type`.
    pub(crate) fn media_type(&self) -> &'static str {
        match self {
            Self::List(feed) => feed.media_type(),
            Self::MispEvent(_) => Feed::Misp.media_type(),
            Self::MispHashes => "text/csv; charset=utf-8",
        }
    }
}

/// Why there is no list.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum FeedFault {
    /// The MISP feed has no such event, or none any more.
    #[error("the feed has no such event")]
    NoSuchEvent,
    /// The store can't be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It is long, and as many long ones as there may be are being sent.
    #[error("as many long lists as there may be are being sent")]
    Busy,
    /// It is long, and whoever reads it takes it so slowly that others would never get theirs.
    #[error("the list was taken too slowly")]
    Slow,
    /// A newer one was made meanwhile.
    #[error("a newer list was made meanwhile")]
    Outrun,
    /// Whoever reads it may do so no longer.
    #[error("the token no longer holds")]
    Ended,
}

/// What lists are made from.
#[derive(Clone)]
pub(crate) struct Feeds {
    store: Arc<dyn Store>,
    membership: Standing,
    allow: Allowed,
    peers: Arc<PeerBook>,
    changes: Changes,
    cache: Arc<Cache>,
    /// Who may make a list that could be kept: so much memory is used at once. One that is too long gives up its turn
    /// when its reader begins to get it.
    turns: Arc<Semaphore>,
    /// The MISP events that were asked for last.
    events: Arc<Mutex<Option<KeptEvents>>>,
    started_ms: u64,
    /// Where lists are made that are too long to be kept.
    spools: Spools,
}

struct KeptEvents {
    of: Wanted,
    state: State,
    until_ms: u64,
    events: Arc<Events>,
}

impl Feeds {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        membership: Standing,
        allow: Allowed,
        peers: Arc<PeerBook>,
        changes: Changes,
        folder: &Path,
    ) -> Self {
        let (cache, events) = (Arc::default(), Arc::default());
        let (turns, spools) = (Arc::new(Semaphore::new(TURNS)), Spools::new(folder));
        Self { store, membership, allow, peers, changes, cache, turns, events, started_ms: now_ms(), spools }
    }

    /// What the pairs of a query narrow a list to.
    ///
    /// # Errors
    /// A pair that isn't understood, or that leaves nothing: an empty list would be mistaken for good news.
    pub(crate) fn wanted<'a>(
        &self,
        name: &Name,
        ceiling: Tlp,
        pairs: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Wanted, WantedFault> {
        let wanted = Wanted::read(ceiling, pairs)?;
        let feed = match name {
            // What is asked of a folder is asked of each file in it, whatever that one holds.
            Name::List(feed) => Some(*feed).filter(|feed| !feed.name().contains('/')),
            Name::MispEvent(_) | Name::MispHashes => None,
        };
        wanted.check(feed, &self.membership.members())?;
        Ok(wanted)
    }

    /// A list, kept or made; for the bearer of a token, or for an operator.
    ///
    /// # Errors
    /// What went wrong before its first piece; what goes wrong later ends its text.
    pub(crate) async fn list(
        &self,
        name: Name,
        wanted: Wanted,
        whose: Option<TokenId>,
    ) -> Result<Made, FeedFault> {
        let of = (name, wanted);
        let state = self.state(of.1.ceiling);
        if let Some(kept) = self.cache.get(&of, state, now_ms()) {
            return Ok(kept.into());
        }
        let stopped = || StoreError { doing: "reading", cause: "the node is stopping".into() };
        let turn = Arc::clone(&self.turns).acquire_owned().await.map_err(|_| stopped())?;
        // Whoever had the turn before may have made the same.
        let state = self.state(of.1.ceiling);
        if let Some(kept) = self.cache.get(&of, state, now_ms()) {
            return Ok(kept.into());
        }
        let (reply, made) = oneshot::channel();
        let feeds = self.clone();
        let again = of.clone();
        tokio::task::spawn_blocking(move || feeds.make(of, state, whose, (reply, turn)));
        match made.await.map_err(|_| stopped())? {
            // By now there is what is newer.
            Err(FeedFault::Outrun) => Box::pin(self.list(again.0, again.1, whose)).await,
            made => made,
        }
    }

    /// What is remembered of a list, if it would be made in the same way now: its name, and no text.
    pub(crate) fn named(&self, name: &Name, wanted: &Wanted) -> Option<Made> {
        self.cache
            .named(&(name.clone(), wanted.clone()), self.state(wanted.ceiling), now_ms())
            .map(Made::from)
    }

    /// The name of a list that is too long to be kept: it is named by what it is made from, and when.
    fn name_of(&self, of: &(Name, Wanted), state: State) -> String {
        // Not the same after a restart, when changes are counted anew.
        tag(&[format!("{of:?} {state:?} {} {}", self.started_ms, now_ms()).as_bytes()])
    }

    fn state(&self, ceiling: Tlp) -> State {
        let membership = self.membership.now();
        let roster = membership.roster();
        State {
            roster: (roster.version, roster.round),
            changes: self.changes.count(ceiling),
            allow: self.allow.version(),
            cut_off_since_ms: self.cut_off_since_ms(),
            exercise: roster.exercise,
        }
    }

    /// Since when no other node is connected, if there are any.
    pub(crate) fn cut_off_since_ms(&self) -> Option<u64> {
        let peers = self.peers.all();
        if peers.is_empty() || peers.iter().any(|(_, peer)| peer.connected) {
            return None;
        }
        peers.iter().filter_map(|(_, peer)| peer.since_ms).max().or(Some(self.started_ms))
    }

    /// Makes a list, and keeps it; one that is too long goes out while it is being made.
    fn make(&self, of: (Name, Wanted), state: State, whose: Option<TokenId>, reply: Reply) {
        // One time for all of it: what has ended by then is neither in the list nor behind its name.
        let now_ms = now_ms();
        // One that is the same goes by the same name, whoever gets it.
        let named = self.cache.named(&of, state, now_ms);
        let long_tag = named.map_or_else(|| self.name_of(&of, state), |named| named.tag);
        let cut_off_since_ms = state.cut_off_since_ms;
        let pass = |spooled| Made { tag: long_tag.clone(), cut_off_since_ms, text: Text::Spooled(spooled) };
        let sink = RefCell::new(Sink::new((&self.spools, whose), &pass, reply));
        let outcome = self.store.frozen(|moment| {
            let store = Awaited { of: moment, is_awaited: &|| sink.borrow().is_awaited() };
            Ok(self.make_from(&store, &of, (state, now_ms), &mut |piece| sink.borrow_mut().take(piece)))
        });
        let outcome = outcome.map_err(FeedFault::from).and_then(|outcome| outcome);
        let keep = |text: Vec<Bytes>, until_ms| {
            let kept = Kept { state, until_ms, tag: content_tag(&text), text };
            self.cache.put(of.clone(), kept.clone());
            kept.into()
        };
        let name = |until_ms| {
            let named = Kept { state, until_ms, tag: long_tag.clone(), text: Vec::new() };
            self.cache.name(of.clone(), named, now_ms);
        };
        sink.into_inner().end(outcome, keep, name);
    }

    /// Makes a list of one moment; when something in it ends, milliseconds since 1970 UTC.
    fn make_from(
        &self,
        store: &dyn Readable,
        of: &(Name, Wanted),
        (state, now_ms): (State, u64),
        take: &mut dyn FnMut(Bytes) -> ControlFlow<()>,
    ) -> Result<u64, FeedFault> {
        let membership = self.membership.now();
        let allow = self.allow.now();
        let mut making = Making {
            store,
            membership: &membership,
            reader: Reader { ceiling: of.1.ceiling, now_ms },
            allow: &allow,
            head: Head {
                mesh: &membership.roster().name,
                exercise: state.exercise,
                cut_off_since_ms: state.cut_off_since_ms,
                serial: 0,
            },
            out: Out::new(take),
        };
        self.write(of, state, &mut making)?;
        // Whoever has gone away needs no end.
        let _ = making.out.flush();
        Ok(making.out.until_ms())
    }

    fn write(&self, of: &(Name, Wanted), state: State, making: &mut Making<'_>) -> Result<(), FeedFault> {
        let (name, wanted) = of;
        let feed = match name {
            Name::List(feed) => *feed,
            Name::MispEvent(id) => return self.events(wanted, state, making)?.file(*id, making),
            Name::MispHashes => return self.events(wanted, state, making)?.hashes(making),
        };
        match feed.source() {
            Source::Fixed(write) => {
                let text = write(&making.head);
                making.out.text().push_str(&text);
            }
            Source::Rows(mut writer) if feed == Feed::Rpz => self.zone(of, state, &mut *writer, making)?,
            Source::Rows(mut writer) => {
                let head = making.head.clone();
                writer.begin(&head, making.out.text());
                rows::write(making, feed, wanted, &mut *writer)?;
            }
            Source::Objects if feed == Feed::Misp => self.events(wanted, state, making)?.manifest(making),
            Source::Objects => objects::write(making, wanted)?,
        }
        Ok(())
    }

    /// A zone: its serial, which stands before its rows, grows when they change, and only then.
    fn zone(
        &self,
        of: &(Name, Wanted),
        state: State,
        writer: &mut dyn Writer,
        making: &mut Making<'_>,
    ) -> Result<(), FeedFault> {
        let (mut text, mut digest, mut len) = (Vec::new(), [0; 32], 0);
        let mut take = |piece: Bytes| {
            digest = sha256(&[&digest, &piece]);
            len += piece.len();
            if len <= KEPT_BYTES {
                text.push(piece);
            }
            ControlFlow::Continue(())
        };
        let mut rows = Making { out: Out::new(&mut take), head: making.head.clone(), ..*making };
        rows::write(&mut rows, Feed::Rpz, &of.1, writer)?;
        let _ = rows.out.flush();
        making.out.ends(Some(rows.out.until_ms()));
        let made_of = (state.changes, last_arrival(making.store)?, making.reader.now_ms);
        let serial = loop {
            let now_s = u32::try_from(now_ms() / 1_000).unwrap_or(u32::MAX);
            match self.cache.serial(of, (made_of, digest), now_s) {
                Numbered::Is(serial) => break serial,
                Numbered::Later => std::thread::sleep(TICK),
                Numbered::Outrun => return Err(FeedFault::Outrun),
            }
        };
        let head = Head { serial, ..making.head.clone() };
        writer.begin(&head, making.out.text());
        if len > KEPT_BYTES {
            // Too long to be remembered: read once more.
            return rows::write(making, Feed::Rpz, &of.1, writer);
        }
        for piece in text {
            // Rows are text: they came from one.
            making.out.text().push_str(std::str::from_utf8(&piece).unwrap_or_default());
            if making.out.flow().is_break() {
                break;
            }
        }
        Ok(())
    }

    /// The events of the MISP feed, kept or worked out.
    fn events(
        &self,
        wanted: &Wanted,
        state: State,
        making: &mut Making<'_>,
    ) -> Result<Arc<Events>, FeedFault> {
        // Held while they are worked out, so that whoever asks for all files at once has it done once.
        let mut kept = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = &*kept
            && kept.of == *wanted
            && kept.state == state
            && making.reader.now_ms < kept.until_ms
        {
            making.out.ends(Some(kept.until_ms));
            return Ok(Arc::clone(&kept.events));
        }
        let events = Arc::new(Events::of(making, wanted)?);
        let until_ms = making.out.until_ms();
        *kept = Some(KeptEvents { of: wanted.clone(), state, until_ms, events: Arc::clone(&events) });
        Ok(events)
    }
}

fn content_tag(text: &[Bytes]) -> String {
    tag(&text.iter().map(|piece| &piece[..]).collect::<Vec<_>>())
}

fn tag(parts: &[&[u8]]) -> String {
    sha256(parts)[..12].iter().map(|byte| format!("{byte:02x}")).collect()
}
