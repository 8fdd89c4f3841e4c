//! Who is connected, and who has to go: a client that says nothing, says it too slowly, or takes nothing of what
//! it asked for.
//!
//! A newcomer is let in as long as anybody can be sent away for it: the one that has waited longest without a
//! request, among its own address's if these are too many. So whoever opens thousands of connections and says
//! nothing on them loses them, and nobody else notices.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use tokio::task::AbortHandle;

use super::figures::Figures;
use super::limits::{ADDRESS_CONNECTIONS, CONNECTIONS, HEAD, IDLE, STALL};

/// All connections.
pub(super) struct Connections {
    inner: Mutex<Inner>,
    figures: Arc<Figures>,
}

#[derive(Default)]
struct Inner {
    next: u64,
    open: BTreeMap<u64, Arc<Connection>>,
}

/// One of them, as the sweeper sees it. Times are milliseconds since it began; 0 is never.
pub(super) struct Connection {
    address: IpAddr,
    begun: Instant,
    /// Answers that are under way.
    answering: AtomicU64,
    /// Requests so far.
    requests: AtomicU64,
    /// When it began to wait for a request.
    waiting_since: AtomicU64,
    /// When the first byte of a head came whose end has not.
    head_since: AtomicU64,
    /// When the client stopped taking what is sent to it.
    stalled_since: AtomicU64,
    task: OnceLock<AbortHandle>,
    is_cut: AtomicBool,
}

/// A place among them, given back when it is dropped.
pub(super) struct Place {
    number: u64,
    pub(super) connection: Arc<Connection>,
    connections: Arc<Connections>,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.connections.lock().open.remove(&self.number);
        self.connections.count();
    }
}

impl Connections {
    pub(super) fn new(figures: Arc<Figures>) -> Self {
        Self { inner: Mutex::default(), figures }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self) {
        self.figures.connections.store(self.lock().open.len() as u64, Relaxed);
    }

    /// A place for a client at this address; nothing, if all that it could have are busy.
    pub(super) fn enter(self: &Arc<Self>, address: IpAddr) -> Option<Place> {
        let connection = Arc::new(Connection::new(address));
        let mut inner = self.lock();
        let of_address = inner.open.values().filter(|one| one.address == address).count();
        let is_full = inner.open.len() >= CONNECTIONS;
        if of_address >= ADDRESS_CONNECTIONS || is_full {
            let among = |one: &&Arc<Connection>| of_address < ADDRESS_CONNECTIONS || one.address == address;
            let waiting = inner.open.iter().filter(|(_, one)| among(one) && one.is_waiting());
            // Whoever has never asked anything goes before whoever has.
            let longest = waiting.min_by_key(|(_, one)| (one.requests.load(Relaxed) > 0, one.waits_from()));
            let Some(number) = longest.map(|(number, _)| *number) else {
                self.figures.turned_away.fetch_add(1, Relaxed);
                return None;
            };
            if let Some(one) = inner.open.remove(&number) {
                self.cut(&one);
            }
        }
        let number = inner.next;
        inner.next += 1;
        inner.open.insert(number, Arc::clone(&connection));
        drop(inner);
        self.count();
        Some(Place { number, connection, connections: Arc::clone(self) })
    }

    fn cut(&self, connection: &Connection) {
        self.figures.cut.fetch_add(1, Relaxed);
        connection.is_cut.store(true, SeqCst);
        connection.end_if_cut();
    }

    /// Cuts those that take too long.
    pub(super) fn sweep(&self) {
        let open: Vec<_> = self.lock().open.values().cloned().collect();
        open.iter().filter(|one| one.takes_too_long()).for_each(|one| self.cut(one));
    }

    /// Whether none is left.
    pub(super) fn is_empty(&self) -> bool {
        self.lock().open.is_empty()
    }
}

impl Connection {
    pub(super) fn new(address: IpAddr) -> Self {
        Self {
            address,
            begun: Instant::now(),
            answering: AtomicU64::new(0),
            requests: AtomicU64::new(0),
            waiting_since: AtomicU64::new(1),
            head_since: AtomicU64::new(0),
            stalled_since: AtomicU64::new(0),
            task: OnceLock::new(),
            is_cut: AtomicBool::new(false),
        }
    }

    /// The task that serves it, to be aborted when it has to go.
    pub(super) fn served_by(&self, task: AbortHandle) {
        let _ = self.task.set(task);
        self.end_if_cut();
    }

    /// It may be cut before its task is known here, and the other way round.
    fn end_if_cut(&self) {
        if let Some(task) = self.task.get().filter(|_| self.is_cut.load(SeqCst)) {
            task.abort();
        }
    }

    fn now(&self) -> u64 {
        // Never 0, which is never.
        self.begun.elapsed().as_millis() as u64 + 1
    }

    fn is_waiting(&self) -> bool {
        self.answering.load(Relaxed) == 0
    }

    fn waits_from(&self) -> Instant {
        self.begun + Duration::from_millis(self.waiting_since.load(Relaxed))
    }

    fn takes_too_long(&self) -> bool {
        let since = |mark: &AtomicU64| match mark.load(Relaxed) {
            0 => Duration::ZERO,
            mark => Duration::from_millis(self.now().saturating_sub(mark)),
        };
        if since(&self.stalled_since) > STALL {
            return true;
        }
        self.is_waiting() && (since(&self.head_since) > HEAD || since(&self.waiting_since) > IDLE)
    }

    /// Bytes have come.
    pub(super) fn heard(&self) {
        if self.is_waiting() {
            // Stays as it is, if a head has begun before.
            let _ = self.head_since.compare_exchange(0, self.now(), Relaxed, Relaxed);
        }
    }

    /// The client takes what is sent to it, or does not.
    pub(super) fn takes(&self, takes: bool) {
        if takes {
            self.stalled_since.store(0, Relaxed);
        } else {
            let _ = self.stalled_since.compare_exchange(0, self.now(), Relaxed, Relaxed);
        }
    }

    /// A handshake has begun, which counts as a head, or is over.
    pub(super) fn shakes_hands(&self, shakes: bool) {
        self.head_since.store(if shakes { self.now() } else { 0 }, Relaxed);
        self.waiting_since.store(self.now(), Relaxed);
    }

    /// A request's head is complete. What this gives is dropped when its answer is sent.
    pub(super) fn answer(self: &Arc<Self>) -> Answering {
        self.requests.fetch_add(1, Relaxed);
        self.answering.fetch_add(1, Relaxed);
        self.head_since.store(0, Relaxed);
        Answering(Arc::clone(self))
    }
}

/// An answer that is under way.
pub(super) struct Answering(Arc<Connection>);

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.waiting_since.store(self.0.now(), Relaxed);
        self.0.answering.fetch_sub(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> IpAddr {
        [192, 0, 2, last].into()
    }

    fn some(connections: &Arc<Connections>, last: u8, count: usize) -> Vec<Place> {
        (0..count).map(|_| connections.enter(address(last)).unwrap()).collect()
    }

    fn open_of(connections: &Connections, last: u8) -> usize {
        connections.lock().open.values().filter(|one| one.address == address(last)).count()
    }

    #[test]
    fn a_flood_of_silent_connections_pushes_itself_out() {
        let connections = Arc::new(Connections::new(Arc::default()));
        let honest = some(&connections, 1, 3);
        let flood = some(&connections, 2, 2_000);
        assert_eq!(open_of(&connections, 1), 3, "the others stay");
        assert_eq!(open_of(&connections, 2), ADDRESS_CONNECTIONS);
        assert_eq!(connections.figures.cut.load(Relaxed), 2_000 - ADDRESS_CONNECTIONS as u64);
        drop((honest, flood));
        assert!(connections.is_empty());
    }

    impl Connection {
        /// Whether the client has stopped taking what is sent to it.
        pub(in crate::soc) fn is_stalled(&self) -> bool {
            self.stalled_since.load(Relaxed) > 0
        }
    }

    #[test]
    fn whoever_takes_nothing_of_an_answer_goes_after_a_while() {
        let begun = Instant::now().checked_sub(STALL * 3).unwrap();
        let connection = Arc::new(Connection { begun, ..Connection::new(address(1)) });
        let _answer = connection.answer();
        connection.takes(false);
        assert!(!connection.takes_too_long(), "it has just stopped");
        let long_ago = (STALL * 2).as_millis() as u64 - 1_000;
        connection.stalled_since.store(long_ago, Relaxed);
        connection.takes(false);
        assert!(connection.takes_too_long());
        connection.takes(true);
        assert!(!connection.takes_too_long());
    }

    #[test]
    fn whoever_has_an_answer_under_way_stays() {
        let connections = Arc::new(Connections::new(Arc::default()));
        let busy = some(&connections, 1, ADDRESS_CONNECTIONS);
        let answers: Vec<_> = busy.iter().map(|place| place.connection.answer()).collect();
        assert!(connections.enter(address(1)).is_none(), "all are busy");
        assert!(connections.enter(address(2)).is_some());
        drop(answers);
        assert!(connections.enter(address(1)).is_some());
    }

    #[test]
    fn a_full_house_makes_room_by_the_one_that_never_asked() {
        let connections = Arc::new(Connections::new(Arc::default()));
        let mut places = Vec::new();
        for last in 0..(CONNECTIONS / ADDRESS_CONNECTIONS) as u8 {
            places.extend(some(&connections, last, ADDRESS_CONNECTIONS));
        }
        let silent = places.len() - 1;
        places[..silent].iter().for_each(|place| drop(place.connection.answer()));
        let _newcomer = connections.enter(address(200)).unwrap();
        assert!(!connections.lock().open.contains_key(&places[silent].number));
        assert_eq!(connections.lock().open.len(), CONNECTIONS);
    }
}
