//! Collections of objects in the order of arrival, as SOC tools page through them.

use std::collections::{BTreeMap, BTreeSet};

use certmesh_intel::Object;
use certmesh_wire::MemberCode;

use super::merge::Merge;
use super::reader::{Reader, copies, members, object_at, state};
use crate::engine::last_arrival;
use crate::index::{State, to_ms};
use crate::layout::{self, Class, Row, Shelf, StoredObject, Term, Version};
use crate::limits::{PAGE_BYTES, PAGE_OBJECTS, PAGE_READS, PAGE_ROWS};
use crate::store::{Order, Readable, StoreError};

/// A kind of objects that SOC tools ask for together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ObjectFamily {
    /// Indicators.
    Indicators,
    /// Cyber observables and observed data.
    Observables,
    /// Sightings.
    Sightings,
    /// Relationships.
    Relationships,
    /// Malware, tools, attack patterns, campaigns, actors, intrusion sets, infrastructure, vulnerabilities,
    /// courses of action and incidents.
    Threats,
    /// Reports, groupings, notes and opinions.
    Reports,
    /// Whatever else there is: identities, locations, markings, custom objects.
    Other,
}

impl ObjectFamily {
    /// All of them, in order.
    pub const ALL: [Self; 7] = [
        Self::Indicators,
        Self::Observables,
        Self::Sightings,
        Self::Relationships,
        Self::Threats,
        Self::Reports,
        Self::Other,
    ];

    /// The family of a STIX type.
    pub fn of(object_type: &str) -> Self {
        match object_type {
            "indicator" => Self::Indicators,
            "sighting" => Self::Sightings,
            "relationship" => Self::Relationships,
            "malware" | "malware-analysis" | "tool" | "attack-pattern" | "campaign" | "threat-actor"
            | "intrusion-set" | "infrastructure" | "vulnerability" | "course-of-action" | "incident" => {
                Self::Threats
            }
            "report" | "grouping" | "note" | "opinion" => Self::Reports,
            "artifact"
            | "autonomous-system"
            | "directory"
            | "domain-name"
            | "email-addr"
            | "email-message"
            | "file"
            | "ipv4-addr"
            | "ipv6-addr"
            | "mac-addr"
            | "mutex"
            | "network-traffic"
            | "process"
            | "software"
            | "url"
            | "user-account"
            | "windows-registry-key"
            | "x509-certificate"
            | "observed-data" => Self::Observables,
            _ => Self::Other,
        }
    }

    /// Whether it has more than one type, and so a shelf of its own.
    pub(crate) fn is_mixed(self) -> bool {
        !matches!(self, Self::Indicators | Self::Sightings | Self::Relationships)
    }

    fn shelf(self) -> Shelf {
        match self {
            Self::Indicators => Shelf::Type("indicator".into()),
            Self::Sightings => Shelf::Type("sighting".into()),
            Self::Relationships => Shelf::Type("relationship".into()),
            mixed => Shelf::Family(mixed),
        }
    }
}

/// Which objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Collection {
    /// All of them.
    All,
    /// Those of one family.
    Family(ObjectFamily),
    /// Those that one member publishes.
    Member(MemberCode),
}

/// Which versions of each object.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Versions {
    /// The newest, unless it has expired; also the one that revokes the object.
    #[default]
    Newest,
    /// The oldest.
    Oldest,
    /// Those that were modified, or else created, at one of these times, microseconds since 1970 UTC.
    At(Vec<i64>),
    /// All.
    All,
}

/// What else is asked of them; conditions combine with AND, the items of one with OR.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// Which versions.
    pub versions: Versions,
    /// STIX ids; any, if there are none.
    pub ids: Vec<String>,
    /// STIX types; any, if there are none.
    pub types: Vec<String>,
}

/// A page of a collection.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Collected {
    /// In the order of arrival. Within a member's collection an object stands where it came to be that member's:
    /// `arrival` says where.
    pub objects: Vec<StoredObject>,
    /// Whether there is more.
    pub more: bool,
    /// Where to go on: what the next page comes after. A page may be empty and have more after it, where the
    /// selection passes over much.
    pub next: u64,
}

/// One page of a collection: what arrived after `after`, at most `limit` objects.
///
/// Whoever reads on from `next` misses nothing and sees nothing twice, for ever.
pub fn collected(
    store: &dyn Readable,
    reader: &Reader,
    collection: &Collection,
    selection: &Selection,
    after: u64,
    limit: usize,
) -> Result<Collected, StoreError> {
    let limit = limit.clamp(1, PAGE_OBJECTS);
    // The ranges of a page are read one after the other. What is committed meanwhile stands in some of them and not in
    // others, and comes with the next page: it has a later arrival than this.
    let last = last_arrival(store)?;
    let mut collecting = Collecting {
        last,
        store,
        reader,
        collection,
        selection,
        limit,
        bytes: 0,
        reads: 0,
        page: Collected { next: after, ..Collected::default() },
    };
    if selection.ids.is_empty() {
        collecting.walk(after)?;
    } else {
        collecting.look_up(after)?;
    }
    Ok(collecting.page)
}

/// A page being put together.
struct Collecting<'a> {
    /// The last arrival of which all is sure to be seen.
    last: u64,
    store: &'a dyn Readable,
    reader: &'a Reader,
    collection: &'a Collection,
    selection: &'a Selection,
    limit: usize,
    bytes: usize,
    reads: usize,
    page: Collected,
}

impl Collecting<'_> {
    /// What has the rows of everything that the selection may pick.
    fn shelves(&self) -> Vec<Shelf> {
        let types = || self.selection.types.iter().cloned();
        match self.collection {
            Collection::Member(code) => vec![Shelf::Member(*code)],
            Collection::All if self.selection.types.is_empty() => vec![Shelf::All],
            Collection::All => types().map(Shelf::Type).collect(),
            Collection::Family(family) if self.selection.types.is_empty() => vec![family.shelf()],
            Collection::Family(family) => {
                types().filter(|name| ObjectFamily::of(name) == *family).map(Shelf::Type).collect()
            }
        }
    }

    fn is_full(&self) -> bool {
        self.page.objects.len() >= self.limit || self.bytes >= PAGE_BYTES || self.reads >= PAGE_READS
    }

    fn walk(&mut self, after: u64) -> Result<(), StoreError> {
        let mut shelves = self.shelves();
        shelves.sort();
        shelves.dedup();
        let mut terms: Vec<_> = shelves.iter().cloned().map(Term::Collection).collect();
        if self.selection.versions != Versions::Newest {
            terms.extend(shelves.into_iter().map(Term::PastCollection));
        }
        let prefixes: Vec<_> = terms.iter().flat_map(|term| self.reader.ranges(term)).collect();
        let range = (after.saturating_add(1), self.last.saturating_add(1));
        let mut rows = Merge::numbered(self.store, Order::Ascending, prefixes, range);
        for examined in 0.. {
            let Some(read) = rows.next()? else { break };
            if self.is_full() || examined >= PAGE_ROWS {
                self.page.more = true;
                break;
            }
            let (stamp, row) = (layout::arrival_of(&read.rest)?, Row::decode(&read.value)?);
            let is_over = !row.revoked && self.reader.has_expired(row.valid_until_ms);
            if self.selection.versions != Versions::Newest || !is_over {
                self.reads += 1;
                if let Some(stored) = object_at(self.store, row.arrival.unwrap_or(stamp))? {
                    self.take(stamp, stored)?;
                }
            }
            self.page.next = stamp;
        }
        Ok(())
    }

    /// Takes an object that is in the collection, if the selection picks it.
    fn take(&mut self, stamp: u64, stored: StoredObject) -> Result<(), StoreError> {
        let types = &self.selection.types;
        let is_type =
            |name: &String| stored.id.strip_prefix(name.as_str()).is_some_and(|rest| rest.starts_with("--"));
        if (types.is_empty() || types.iter().any(is_type)) && self.picks_version(&stored)? {
            self.bytes += stored.json.len();
            self.page.objects.push(StoredObject { arrival: stamp, ..stored });
        }
        Ok(())
    }

    fn picks_version(&self, stored: &StoredObject) -> Result<bool, StoreError> {
        let state = match self.selection.versions {
            Versions::Newest => return Ok(true),
            _ => state(self.store, &layout::id(&stored.id))?,
        };
        // Of an object that a member owns, nobody else's copies are versions.
        let has_owner = state.counted_class() == Class::Owned;
        if has_owner && !copies(self.store, stored)?.iter().any(|copy| copy.class == Class::Owned) {
            return Ok(false);
        }
        match &self.selection.versions {
            Versions::Newest | Versions::All => Ok(true),
            Versions::At(times) => {
                let modified = Object::read(&stored.json).ok().and_then(|object| object.modified());
                Ok(modified.is_some_and(|modified| times.contains(&modified)))
            }
            Versions::Oldest => {
                Ok(self.oldest(&stored.id, &state)?.is_some_and(|oldest| oldest.arrival == stored.arrival))
            }
        }
    }

    /// The oldest of an id's versions that count.
    fn oldest(&self, id: &str, state: &State) -> Result<Option<Version>, StoreError> {
        let id = layout::id(id);
        let mut oldest: Option<Version> = None;
        for newest in state.counted() {
            let prefix = layout::versions_of(&id, newest.class, newest.member);
            let mut rows = Merge::new(self.store, Order::Ascending, [prefix.clone()], (&[], None));
            let first = match rows.next()? {
                Some(read) => {
                    let key = [&prefix[layout::versions(&id).len()..], &read.rest].concat();
                    Version::decode(&key, &read.value)?
                }
                None => newest.clone(),
            };
            if oldest.as_ref().is_none_or(|oldest| first.rank() < oldest.rank()) {
                oldest = Some(first);
            }
        }
        Ok(oldest)
    }

    /// The versions of the ids that were asked for, and where each stands in the collection.
    fn look_up(&mut self, after: u64) -> Result<(), StoreError> {
        let (mut found, mut complete_to) = (BTreeMap::new(), u64::MAX);
        let ids: BTreeSet<_> = self.selection.ids.iter().collect();
        for id in ids {
            let (arrivals, end) = self.arrivals(id, after)?;
            complete_to = complete_to.min(end);
            for arrival in arrivals {
                if let Some(stored) = object_at(self.store, arrival)?
                    && let Some(stamp) =
                        self.stamp(&stored)?.filter(|at| (after + 1..=self.last).contains(at))
                {
                    found.insert(stamp, stored);
                }
            }
        }
        for (stamp, stored) in found.into_iter().filter(|(stamp, _)| *stamp <= complete_to) {
            if self.is_full() {
                self.page.more = true;
                return Ok(());
            }
            self.take(stamp, stored)?;
            self.page.next = stamp;
        }
        if complete_to < u64::MAX {
            (self.page.more, self.page.next) = (true, complete_to);
        }
        Ok(())
    }

    /// The arrivals of an id's versions after one, and up to which they are all there.
    fn arrivals(&self, id: &str, after: u64) -> Result<(Vec<u64>, u64), StoreError> {
        let mut arrivals: Vec<_> = state(self.store, &layout::id(id))?.shown.into_iter().collect();
        if self.selection.versions == Versions::Newest {
            return Ok((arrivals, u64::MAX));
        }
        // Among a member's, an object may stand later than it arrived.
        let (from, most) = match self.collection {
            Collection::Member(_) => (0, PAGE_ROWS),
            _ => (after.saturating_add(1), self.limit + 1),
        };
        let ranges = self.reader.ranges(&Term::PastCollection(Shelf::Id(id.to_owned())));
        let mut rows = Merge::numbered(self.store, Order::Ascending, ranges, (from, u64::MAX));
        for _ in 0..most {
            let Some(read) = rows.next()? else { return Ok((arrivals, u64::MAX)) };
            arrivals.push(layout::arrival_of(&read.rest)?);
        }
        let end = arrivals.last().copied().filter(|_| from > 0);
        Ok((arrivals, end.unwrap_or(u64::MAX)))
    }

    /// Where an object stands in the collection, if it is in it and the reader may see it.
    fn stamp(&self, stored: &StoredObject) -> Result<Option<u64>, StoreError> {
        let valid_until = Object::read(&stored.json).ok().and_then(|object| object.valid_until());
        let is_over = !stored.revoked && self.reader.has_expired(valid_until.map(to_ms));
        if stored.tlp > self.reader.ceiling || (is_over && self.selection.versions == Versions::Newest) {
            return Ok(None);
        }
        Ok(match self.collection {
            Collection::All => Some(stored.arrival),
            Collection::Family(family) => {
                let object_type = stored.id.split_once("--").map_or("", |(object_type, _)| object_type);
                (ObjectFamily::of(object_type) == *family).then_some(stored.arrival)
            }
            Collection::Member(code) => {
                // Only its newest copy is a member's word; its older ones are history.
                let is_newest = self.selection.versions == Versions::Newest;
                if is_newest && !members(self.store, stored)?.contains(code) {
                    return Ok(None);
                }
                let copies = copies(self.store, stored)?;
                let own = copies.iter().find(|copy| copy.member == *code && copy.class != Class::Impostor);
                own.map(|copy| copy.stamp)
            }
        })
    }
}
