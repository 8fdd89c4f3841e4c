//! Collections of objects in the order of arrival, as SOC tools page through them.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use certmesh_intel::Object;
use certmesh_wire::MemberCode;

use super::merge::Merge;
use super::reader::{Reader, copies, state};
use crate::index::{State, to_ms};
use crate::layout::{self, Class, Row, Shelf, StoredObject, Term, Version};
use crate::limits::{COLLECTED_BYTES, COLLECTED_OBJECTS, COLLECTED_READS, PAGE_ROWS};
use crate::store::{Family, Order, Readable, StoreError};

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

/// One page of a collection: what arrived after `after`, at most `limit` objects. However large they are, a page holds
/// some 2 MiB of them, or a single one.
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
    let mut objects = Vec::new();
    let mut keep = |object: StoredObject<&str>| objects.push(object.into_owned());
    let (more, next) = collect(store, reader, collection, selection, (after, limit), &mut keep)?;
    Ok(Collected { objects, more, next })
}

/// The same page, whose objects are handed on one by one as the store has them, so that none is copied: whether there is
/// more, and where to go on.
pub fn collect(
    store: &dyn Readable,
    reader: &Reader,
    collection: &Collection,
    selection: &Selection,
    (after, limit): (u64, usize),
    hand_on: &mut dyn FnMut(StoredObject<&str>),
) -> Result<(bool, u64), StoreError> {
    let limit = limit.clamp(1, COLLECTED_OBJECTS);
    let page = Taken { objects: 0, bytes: 0, more: false, next: after };
    let mut collecting = Collecting { store, reader, collection, selection, limit, reads: 0, page, hand_on };
    if selection.ids.is_empty() {
        collecting.walk(after)?;
    } else {
        collecting.look_up(after)?;
    }
    Ok((collecting.page.more, collecting.page.next))
}

/// What a page has so far.
struct Taken {
    objects: usize,
    bytes: usize,
    more: bool,
    next: u64,
}

/// Where an object stands in a collection, and when it arrived.
struct Place {
    stamp: u64,
    arrival: u64,
}

/// A page being put together.
struct Collecting<'a> {
    store: &'a dyn Readable,
    reader: &'a Reader,
    collection: &'a Collection,
    selection: &'a Selection,
    limit: usize,
    reads: usize,
    page: Taken,
    hand_on: &'a mut dyn FnMut(StoredObject<&str>),
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

    fn wants_newest(&self) -> bool {
        self.selection.versions == Versions::Newest
    }

    fn walk(&mut self, after: u64) -> Result<(), StoreError> {
        let mut shelves = self.shelves();
        shelves.sort();
        shelves.dedup();
        let mut terms: Vec<_> = shelves.iter().cloned().map(Term::Collection).collect();
        if !self.wants_newest() {
            terms.extend(shelves.into_iter().map(Term::PastCollection));
        }
        let prefixes: Vec<_> = terms.iter().flat_map(|term| self.reader.ranges(term)).collect();
        let range = (after.saturating_add(1), u64::MAX);
        let mut rows = Merge::numbered(self.store, Order::Ascending, prefixes, range);
        let (mut left, mut is_through) = (PAGE_ROWS, false);
        while !is_through && !self.page.more {
            let (mut places, mut passed) = (Vec::new(), self.page.next);
            // One more than there is room for tells whether there is more.
            while places.len() <= self.limit - self.page.objects {
                let Some(read) = rows.next()? else {
                    is_through = true;
                    break;
                };
                if left == 0 {
                    (is_through, self.page.more) = (true, true);
                    break;
                }
                left -= 1;
                let (stamp, row) = (layout::arrival_of(read.rest)?, Row::decode(read.value)?);
                let is_over = !row.revoked && self.reader.has_expired(row.valid_until_ms);
                if !self.wants_newest() || !is_over {
                    places.push(Place { stamp, arrival: row.arrival.unwrap_or(stamp) });
                }
                passed = stamp;
            }
            if self.read(&places)?.is_continue() {
                self.page.next = passed;
            }
        }
        Ok(())
    }

    /// Reads objects from these places on, until the page has enough of them.
    fn read(&mut self, places: &[Place]) -> Result<ControlFlow<()>, StoreError> {
        let store = self.store;
        // What arrived one after the other lies side by side. Some stand elsewhere in a member's collection.
        for run in places.chunk_by(|one, other| one.arrival < other.arrival) {
            let keys: Vec<_> = run.iter().map(|place| layout::object(place.arrival)).collect();
            let (mut places, mut flow) = (run.iter(), Ok(ControlFlow::Continue(())));
            let mut visit = |key: &[u8], value: &[u8]| {
                flow = StoredObject::read(key, value).and_then(|stored| {
                    let place = places.find(|place| place.arrival == stored.arrival);
                    place.map_or(Ok(ControlFlow::Continue(())), |place| self.take(place.stamp, stored))
                });
                flow.clone().unwrap_or(ControlFlow::Break(()))
            };
            store.pick(Family::Object, &keys, &mut visit)?;
            if flow?.is_break() {
                self.page.more = true;
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Takes an object, if the selection picks it; breaks off where the page has no room for it, or has read enough.
    fn take(&mut self, stamp: u64, stored: StoredObject<&str>) -> Result<ControlFlow<()>, StoreError> {
        self.reads += 1;
        if self.picks(&stored)? {
            let bytes = self.page.bytes + stored.json.len();
            let is_full = self.page.objects == self.limit || bytes > COLLECTED_BYTES;
            if is_full && self.page.objects > 0 {
                return Ok(ControlFlow::Break(()));
            }
            (self.page.objects, self.page.bytes) = (self.page.objects + 1, bytes);
            (self.hand_on)(StoredObject { arrival: stamp, ..stored });
        }
        self.page.next = stamp;
        Ok(if self.reads < COLLECTED_READS { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
    }

    fn picks(&self, stored: &StoredObject<&str>) -> Result<bool, StoreError> {
        let types = &self.selection.types;
        let is_type =
            |name: &String| stored.id.strip_prefix(name.as_str()).is_some_and(|rest| rest.starts_with("--"));
        let may_be_seen = stored.tlp <= self.reader.ceiling && !self.is_over(stored);
        Ok(may_be_seen && (types.is_empty() || types.iter().any(is_type)) && self.picks_version(stored)?)
    }

    /// Whether it has ended, as far as its row in a collection has not told that.
    fn is_over(&self, stored: &StoredObject<&str>) -> bool {
        if self.selection.ids.is_empty() || !self.wants_newest() || stored.revoked {
            return false;
        }
        let valid_until = Object::read(stored.json).ok().and_then(|object| object.valid_until());
        self.reader.has_expired(valid_until.map(to_ms))
    }

    fn picks_version(&self, stored: &StoredObject<&str>) -> Result<bool, StoreError> {
        let state = match self.selection.versions {
            Versions::Newest => return Ok(true),
            _ => state(self.store, &layout::id(stored.id))?,
        };
        // Of an object that a member owns, nobody else's copies are versions.
        let has_owner = state.counted_class() == Class::Owned;
        if has_owner && !copies(self.store, stored)?.iter().any(|copy| copy.class == Class::Owned) {
            return Ok(false);
        }
        match &self.selection.versions {
            Versions::Newest | Versions::All => Ok(true),
            Versions::At(times) => {
                let modified = Object::read(stored.json).ok().and_then(|object| object.modified());
                Ok(modified.is_some_and(|modified| times.contains(&modified)))
            }
            Versions::Oldest => {
                Ok(self.oldest(stored.id, &state)?.is_some_and(|oldest| oldest.arrival == stored.arrival))
            }
        }
    }

    /// The oldest of an id's versions that count and that the reader may see.
    fn oldest(&self, id: &str, state: &State) -> Result<Option<Version>, StoreError> {
        let id = layout::id(id);
        let mut oldest: Option<Version> = None;
        for newest in state.counted() {
            let first = match self.older(&id, &[newest.class], newest.member).next()? {
                None => Some(newest.clone()).filter(|newest| newest.tlp <= self.reader.ceiling),
                first => first,
            };
            oldest = oldest.into_iter().chain(first).min_by_key(Version::rank);
        }
        Ok(oldest)
    }

    /// A member's older versions of an id that count as one of these, in order of their ranks; those that the reader may see.
    fn older(&self, id: &[u8], classes: &[Class], member: MemberCode) -> Older<'_> {
        let of_class = |class: &Class| {
            self.reader.markings().map(|tlp| layout::versions_of(id, *class, member, tlp)).collect::<Vec<_>>()
        };
        let prefixes: Vec<_> = classes.iter().flat_map(of_class).collect();
        let rows = Merge::new(self.store, Order::Ascending, prefixes.clone(), (&[], None));
        Older { rows, prefixes, skip: layout::versions(id).len() }
    }

    /// The versions of the ids that were asked for, where each stands in the collection.
    fn look_up(&mut self, after: u64) -> Result<(), StoreError> {
        // One more than there is room for tells whether there is more.
        let mut places =
            Places { after, most: self.limit + 1, first: BTreeMap::new(), complete_to: u64::MAX };
        let ids: BTreeSet<_> = self.selection.ids.iter().collect();
        for id in ids {
            match self.collection {
                Collection::All => self.place(id, &mut places)?,
                Collection::Family(family) => {
                    let object_type = id.split_once("--").map_or("", |(object_type, _)| object_type);
                    if ObjectFamily::of(object_type) == *family {
                        self.place(id, &mut places)?;
                    }
                }
                Collection::Member(code) => self.place_of_member(id, *code, &mut places)?,
            }
        }
        let (complete_to, places) = (places.complete_to, places.first.into_iter());
        let places: Vec<_> = places.map(|(stamp, arrival)| Place { stamp, arrival }).collect();
        if self.read(&places)?.is_continue() && complete_to < u64::MAX {
            (self.page.more, self.page.next) = (true, complete_to);
        }
        Ok(())
    }

    /// Adds an id's versions where they arrived.
    fn place(&self, id: &str, places: &mut Places) -> Result<(), StoreError> {
        for arrival in self.visible(&state(self.store, &layout::id(id))?)? {
            places.add(arrival, arrival);
        }
        if self.wants_newest() {
            return Ok(());
        }
        let ranges = self.reader.ranges(&Term::PastCollection(Shelf::Id(id.to_owned())));
        let range = (places.after.saturating_add(1), u64::MAX);
        let mut rows = Merge::numbered(self.store, Order::Ascending, ranges, range);
        while let Some(read) = rows.next()? {
            let arrival = layout::arrival_of(read.rest)?;
            if arrival > places.complete_to {
                break;
            }
            places.add(arrival, arrival);
        }
        Ok(())
    }

    /// Those of the versions that are shown which the reader may see. What they may not see must not take a place, either:
    /// that there is more would tell of it.
    fn visible(&self, state: &State) -> Result<BTreeSet<u64>, StoreError> {
        let mut visible = BTreeSet::new();
        for arrival in &state.shown {
            let key = layout::object(*arrival);
            let Some(value) = self.store.get(Family::Object, &key)? else { continue };
            if StoredObject::read(&key, &value)?.tlp <= self.reader.ceiling {
                visible.insert(*arrival);
            }
        }
        Ok(visible)
    }

    /// Adds a member's versions of an id, which may stand later among that member's than they arrived.
    fn place_of_member(&self, id: &str, member: MemberCode, places: &mut Places) -> Result<(), StoreError> {
        let id = layout::id(id);
        let state = state(self.store, &id)?;
        let own = state.newest().iter().filter(|it| it.member == member && it.class != Class::Impostor);
        // Only its newest copy is a member's word; its older ones are history.
        for version in own.filter(|version| version.tlp <= self.reader.ceiling) {
            if !self.wants_newest() || state.shown.contains(&version.arrival) {
                places.add(version.stamp, version.arrival);
            }
        }
        if self.wants_newest() {
            return Ok(());
        }
        // These come in the order of their ranks: all of them are looked at, and the first places kept.
        let mut older = self.older(&id, &[Class::Owned, Class::Foreign], member);
        while let Some(version) = older.next()? {
            places.add(version.stamp, version.arrival);
        }
        Ok(())
    }
}

/// Older versions of an id on their way through the index.
struct Older<'a> {
    rows: Merge<'a>,
    prefixes: Vec<Vec<u8>>,
    /// How much of a key is the prefix of its id.
    skip: usize,
}

impl Older<'_> {
    fn next(&mut self) -> Result<Option<Version>, StoreError> {
        let Some(read) = self.rows.next()? else { return Ok(None) };
        let key = [&self.prefixes[read.range][self.skip..], read.rest].concat();
        Version::decode(&key, read.value).map(Some)
    }
}

/// The first places after one, at most so many.
struct Places {
    after: u64,
    most: usize,
    /// Arrivals by their stamps.
    first: BTreeMap<u64, u64>,
    /// Up to which stamp all are there.
    complete_to: u64,
}

impl Places {
    fn add(&mut self, stamp: u64, arrival: u64) {
        if stamp > self.after && stamp <= self.complete_to {
            self.first.insert(stamp, arrival);
        }
        if self.first.len() > self.most
            && let Some((last, _)) = self.first.pop_last()
        {
            self.complete_to = last - 1;
        }
    }
}
