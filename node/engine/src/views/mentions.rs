//! The rows of the index that meet a question: those of the value itself, of what contains it, and of what it contains.

use std::collections::BTreeMap;

use certmesh_intel::{Question, Tlp};
use certmesh_wire::MemberCode;

use super::known::KnownValues;
use super::merge::{Merge, Read};
use super::reader::Reader;
use crate::layout::{self, Row, Term};
use crate::limits::{EARLIEST_ROWS, ROWS_BEYOND, ROWS_EXAMINED, SURE_HITS};
use crate::store::{Order, Readable, StoreError};

/// What the observable of an object is to the value that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum How {
    /// The value itself.
    Exact,
    /// A network that holds it.
    Network,
    /// An address or network inside the network that was asked for.
    Inside,
    /// A domain that it is a sub-domain of.
    Parent,
    /// A sub-domain of it.
    Subdomain,
}

impl How {
    /// One word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Network => "network",
            Self::Inside => "inside",
            Self::Parent => "parent",
            Self::Subdomain => "subdomain",
        }
    }

    fn wider(key: &[u8]) -> Self {
        if is_network(key) { Self::Network } else { Self::Parent }
    }

    fn narrower(key: &[u8]) -> Self {
        if is_network(key) { Self::Inside } else { Self::Subdomain }
    }
}

fn is_network(key: &[u8]) -> bool {
    matches!(key.first(), Some(b'4' | b'6'))
}

/// A row that meets a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mentioned {
    pub(crate) how: How,
    /// The key of the observable.
    pub(crate) key: Vec<u8>,
    pub(crate) kind: String,
    pub(crate) arrival: u64,
    pub(crate) row: Row,
    pub(crate) whose: Whose,
}

/// Who a row is counted for.
pub(crate) type Whose = Option<MemberCode>;

/// Rows being looked for, within bounds.
pub(crate) struct Search<'a> {
    store: &'a dyn Readable,
    markings: Vec<Tlp>,
    /// What turns the key of an observable into what its rows begin with.
    term: fn(Vec<u8>) -> Term,
    /// Which rows count.
    takes: &'a dyn Fn(&Row) -> bool,
    most: usize,
    /// So many rows may still be gone through.
    left: usize,
    /// As many as are wanted. If there are more, whoever has published the most gives way to the others: who floods a value
    /// with reports hides nobody's.
    pub(crate) found: Vec<Mentioned>,
    /// How many are whose.
    shares: BTreeMap<Whose, usize>,
    /// Whether there may be more.
    pub(crate) capped: bool,
}

impl<'a> Search<'a> {
    /// A search for rows of live objects, or of past ones.
    pub(crate) fn new(
        store: &'a dyn Readable,
        reader: &Reader,
        term: fn(Vec<u8>) -> Term,
        takes: &'a dyn Fn(&Row) -> bool,
        most: usize,
    ) -> Self {
        let (markings, found) = (reader.markings().collect(), Vec::new());
        Self {
            store,
            markings,
            term,
            takes,
            most,
            left: ROWS_EXAMINED,
            found,
            shares: BTreeMap::new(),
            capped: false,
        }
    }

    /// Looks for everything that meets the question; `known` tells what need not be looked for.
    pub(crate) fn ask(&mut self, question: &Question, known: Option<&KnownValues>) -> Result<(), StoreError> {
        self.markings.retain(|tlp| known.is_none_or(|known| known.may_hold_marked(*tlp)));
        let may_hold = |key: &[u8]| known.is_none_or(|known| known.may_hold(key));
        for key in question.exact().iter().filter(|key| may_hold(key)) {
            self.key(How::Exact, key)?;
        }
        let is_ipv4 = question.network(0).is_some_and(|key| key.first() == Some(&b'4'));
        let is_used = |length: &u8| known.is_none_or(|known| known.may_hold_networks(is_ipv4, *length));
        let networks = question.network_lengths().rev().filter(is_used);
        let networks = networks.filter_map(|length| question.network(length));
        for key in networks.chain(question.names()).filter(|key| may_hold(key)) {
            self.key(How::wider(&key), &key)?;
        }
        if let Some((from, to)) = question.narrower() {
            let name = from.split_last().filter(|_| !is_network(&from)).map(|(_, name)| name);
            if name.zip(known).is_none_or(|(name, known)| known.may_hold_below(name)) {
                self.range(&from, &to)?;
            }
        }
        Ok(())
    }

    /// Looks for the rows of one observable, the latest arrival first. Once there are too many to go through, of this one or of
    /// those before it, the earliest are looked at all the same: whoever came first is hidden by nobody who came later.
    fn key(&mut self, how: How, key: &[u8]) -> Result<(), StoreError> {
        let term = (self.term)(key.to_vec());
        let prefixes: Vec<_> = self.markings.iter().map(|tlp| term.prefix(*tlp)).collect();
        let mut rows = Merge::numbered(self.store, Order::Descending, prefixes.clone(), (0, u64::MAX));
        let mut upto = u64::MAX;
        while self.may_go_on()
            && let Some(Read { rest, value, .. }) = rows.next()?
        {
            upto = layout::split_number(rest)?.0;
            self.take(how, key, rest, value)?;
        }
        if self.left == 0 {
            let mut rows = Merge::numbered(self.store, Order::Ascending, prefixes, (0, upto));
            for _ in 0..EARLIEST_ROWS {
                let Some(Read { rest, value, .. }) = rows.next()? else { break };
                self.take(how, key, rest, value)?;
            }
        }
        Ok(())
    }

    /// Looks for the rows of all observables in a range of keys.
    fn range(&mut self, from: &[u8], to: &[u8]) -> Result<(), StoreError> {
        let start = (self.term)(Vec::new());
        let prefixes: Vec<_> = self.markings.iter().map(|tlp| start.prefix(*tlp)).collect();
        let mut rows = Merge::new(self.store, Order::Ascending, prefixes, (from, Some(to)));
        while self.may_go_on()
            && let Some(Read { rest, value, .. }) = rows.next()?
        {
            let (key, rest) = layout::split_observable(rest)
                .ok_or_else(|| layout::damaged_index("a row of the index does not name an observable"))?;
            self.take(How::narrower(key), key, rest, value)?;
        }
        Ok(())
    }

    fn may_go_on(&mut self) -> bool {
        self.capped |= self.left == 0;
        self.left > 0
    }

    /// Whose report a row is counted as, if there is room for it: as long as there are few, or if somebody else has more to give.
    fn makes_room(&mut self, how: How, row: &Row) -> Option<Whose> {
        let share = |whose: &Whose| self.shares.get(whose).copied().unwrap_or(0);
        // Of several, as the word of the one who has the least to say.
        let whose = row.members.iter().map(Some).min_by_key(share).flatten();
        if self.found.len() < self.most {
            return Some(whose);
        }
        self.capped = true;
        self.left = self.left.min(ROWS_BEYOND);
        let own = share(&whose);
        let (largest, most) = self.shares.iter().max_by_key(|(_, share)| **share)?;
        let (largest, most) = (*largest, *most);
        // What was found last says least.
        let last = self.found.iter().rposition(|one| one.whose == largest)?;
        let says_more = own >= SURE_HITS && self.found.get(last).is_some_and(|one| one.how < how);
        if most <= own + 1 || says_more {
            return None;
        }
        self.found.remove(last);
        self.shares.insert(largest, most - 1);
        Some(whose)
    }

    fn take(&mut self, how: How, key: &[u8], rest: &[u8], value: &[u8]) -> Result<(), StoreError> {
        self.left = self.left.saturating_sub(1);
        let row = Row::decode(value)?;
        if (self.takes)(&row)
            && let Some(whose) = self.makes_room(how, &row)
        {
            *self.shares.entry(whose).or_default() += 1;
            let (arrival, kind) = layout::split_number(rest)?;
            let kind = String::from_utf8_lossy(kind).into_owned();
            self.found.push(Mentioned { how, key: key.to_vec(), kind, arrival, row, whose });
        }
        Ok(())
    }
}
