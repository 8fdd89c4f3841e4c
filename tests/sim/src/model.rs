//! What readers should see, worked out from the records of a disk alone and in the plainest way: the
//! engine's index and views are held against it.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use certmesh_engine::store::{Family, Store};
use certmesh_engine::{Membership, Query, Reader, query, versions};
use certmesh_wire::{Kind, MemberCode, Record, RecordId, Roster, sha256};

use crate::reading;
use crate::workload::Facts;

/// What decides between versions of an object: its time, then the lower hash.
type Rank = (bool, u64, Reverse<[u8; 32]>);

/// When the year begins that lies ahead of every clock.
const FUTURE_MS: u64 = 4_070_908_800_000;
/// The lowest marking that an unmarked object may stand under: AMBER.
const UNMARKED: u8 = 2;

/// One text and who published it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Published {
    facts: Facts,
    /// The member that it belongs to: the one that it claims to be made by, if that is a member.
    owner: Option<MemberCode>,
    /// Who, and whether all their records that carry it were made long before its time.
    by: BTreeMap<MemberCode, bool>,
    records: BTreeSet<RecordId>,
}

impl Published {
    fn rank(&self, text: &str) -> Rank {
        (self.facts.ahead, self.facts.version, Reverse(sha256(&[text.as_bytes()])))
    }

    /// Whether a member's copy could count: it claims nobody else's name.
    fn may_be_by(&self, member: MemberCode) -> bool {
        self.owner.is_none_or(|owner| owner == member)
    }

    /// The members whose copies could count.
    fn copies(&self) -> impl Iterator<Item = MemberCode> {
        self.by.keys().copied().filter(|member| self.may_be_by(*member))
    }
}

/// One text and its publication by one member.
type Copy<'a> = (&'a String, &'a Published, MemberCode);

/// All that valid records with their bodies at hand say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Model {
    texts: BTreeMap<String, Published>,
    records: u64,
    void: u64,
}

impl Model {
    /// What a disk's records say.
    pub(crate) fn of(store: &dyn Store, membership: &Membership) -> Self {
        let mut model = Self::default();
        for (log, state) in reading::logs(store) {
            let Some(member) = membership.log(log).map(|opening| opening.member) else { continue };
            model.records += state.next;
            for seq in 0..state.next {
                let signed = reading::record(store, state.number, seq).unwrap_or_default();
                let body = reading::body(store, state.number, seq);
                if let (Ok(record), Some(body)) = (Record::decode(&signed), body) {
                    model.add(&record, &body, member, membership.roster());
                }
            }
        }
        model
    }

    fn add(&mut self, record: &Record, body: &[u8], member: MemberCode, roster: &Roster) {
        let header = record.header();
        let Some(reference) = header.body.filter(|_| header.kind == Kind::OBJECTS) else { return };
        let texts = reference.unpack(body).unwrap_or_default();
        let facts: Option<Vec<_>> = texts.iter().map(|text| Facts::read(text)).collect();
        match facts {
            Some(facts) if !texts.is_empty() && header.tlp >= UNMARKED => {
                for (text, facts) in texts.into_iter().zip(facts) {
                    let ahead = facts.ahead && header.created_ms < FUTURE_MS;
                    let owner = facts.author.filter(|author| roster.member(*author).is_some());
                    let (by, records) = (BTreeMap::new(), BTreeSet::new());
                    let known = self.texts.entry(text).or_insert(Published { facts, owner, by, records });
                    known.by.entry(member).and_modify(|all| *all &= ahead).or_insert(ahead);
                    known.records.insert(record.id());
                }
            }
            _ => self.void += 1,
        }
    }

    /// All copies, by id.
    fn by_id(&self) -> BTreeMap<&str, Vec<Copy<'_>>> {
        let mut by_id: BTreeMap<&str, Vec<_>> = BTreeMap::new();
        for (text, published) in &self.texts {
            let copies = published.by.keys().map(|member| (text, published, *member));
            by_id.entry(&published.facts.id).or_default().extend(copies);
        }
        by_id
    }

    /// Each member's newest copy of an id, of those that count: its owners', or everyone's of what has none.
    fn newest<'a>(copies: &[Copy<'a>]) -> Vec<Copy<'a>> {
        let is_owned = |copy: &&Copy<'_>| copy.1.owner == Some(copy.2);
        let owned: Vec<_> = copies.iter().filter(is_owned).copied().collect();
        let free = copies.iter().filter(|copy| copy.1.owner.is_none()).copied();
        let mut newest: BTreeMap<MemberCode, Copy<'_>> = BTreeMap::new();
        for copy in if owned.is_empty() { free.collect() } else { owned } {
            let known = newest.entry(copy.2).or_insert(copy);
            if copy.1.rank(copy.0) > known.1.rank(known.0) {
                *known = copy;
            }
        }
        newest.into_values().collect()
    }

    /// The texts that are shown, also such as revoke what they are a version of. An owner's newest counts; of a
    /// third party's object the newest of somebody's that is not revoked and not from the future, if there is one.
    fn shown(&self) -> BTreeSet<&String> {
        let mut shown = BTreeSet::new();
        for copies in self.by_id().values() {
            let newest = Self::newest(copies);
            if newest.first().is_some_and(|(_, published, _)| published.owner.is_some()) {
                shown.extend(newest.into_iter().map(|(text, ..)| text));
            } else {
                let rank = |(text, published, member): &Copy<'_>| {
                    (!published.facts.revoked, !published.by[member], published.rank(text))
                };
                shown.extend(newest.into_iter().max_by_key(rank).map(|(text, ..)| text));
            }
        }
        shown
    }

    /// The texts that readers see.
    pub(crate) fn visible(&self) -> BTreeSet<&String> {
        self.shown().into_iter().filter(|text| !self.texts[*text].facts.revoked).collect()
    }

    /// How many keys the index should have: an object has some for what it mentions and where it stands, a
    /// publication that is not the first and a version that is not the newest one each, and so an id.
    fn keys(&self) -> usize {
        let shown = self.shown();
        let of_text = |(text, published): (&String, &Published)| {
            let facts = &published.facts;
            let (mentions, is_mixed) =
                (usize::from(facts.domain.is_some()), usize::from(facts.domain.is_none()));
            let (copies, is_shown) = (published.copies().count(), shown.contains(text));
            // By observable, and by kind while it is live; the collections of all, its type, its family, its members, and
            // its own past.
            let kinds = if is_shown && !facts.revoked { mentions } else { 0 };
            let collections = if copies > 0 { 2 + is_mixed + copies + usize::from(!is_shown) } else { 0 };
            mentions + kinds + collections + published.records.len() - 1 + usize::from(facts.author.is_some())
        };
        let of_id = |copies: &Vec<Copy<'_>>| {
            let class = |copy: &Copy<'_>| (copy.1.owner.is_some(), copy.1.may_be_by(copy.2), copy.2);
            let publishers: BTreeSet<_> = copies.iter().map(class).collect();
            1 + copies.len() - publishers.len()
        };
        self.texts.iter().map(of_text).sum::<usize>() + self.by_id().values().map(of_id).sum::<usize>()
    }

    /// Holds the engine's counts, index and views on this disk against the model; the first difference.
    pub(crate) fn differs(&self, store: &dyn Store) -> Option<String> {
        let counts = certmesh_engine::counts(store).expect("a simulated disk can be read");
        let indicators = self.texts.values().filter(|text| text.facts.domain.is_some()).count() as u64;
        let mine = (self.records, self.texts.len() as u64, indicators, self.void);
        let theirs = (counts.records, counts.objects, counts.indicators, counts.void);
        if mine != theirs {
            return Some(format!(
                "counts (records, objects, indicators, void) {theirs:?}, should be {mine:?}"
            ));
        }
        let keys = reading::entries(store, Family::Index, b"").len();
        if keys != self.keys() {
            return Some(format!("the index has {keys} keys, should have {}", self.keys()));
        }
        self.queries_differ(store).or_else(|| self.versions_differ(store))
    }

    fn queries_differ(&self, store: &dyn Store) -> Option<String> {
        let visible = self.visible();
        let facts = |text: &String| &self.texts[text].facts;
        let domains: BTreeSet<_> = self.texts.values().filter_map(|text| text.facts.domain.clone()).collect();
        let mut questions = vec![(Query::default(), visible.clone())];
        for domain in domains {
            let wanted = visible.iter().filter(|text| facts(text).domain.as_ref() == Some(&domain));
            let asked = Query { value: Some(domain.clone()), ..Query::default() };
            questions.push((asked, wanted.copied().collect()));
        }
        for name in ["indicator", "malware"] {
            let wanted = visible.iter().filter(|text| facts(text).object_type() == name);
            let asked = Query { object_type: Some(name.into()), ..Query::default() };
            questions.push((asked, wanted.copied().collect()));
        }
        questions.into_iter().find_map(|(asked, wanted)| {
            let found = seen(store, &asked);
            let wanted: BTreeSet<_> = wanted.into_iter().cloned().collect();
            (found != wanted).then(|| difference(&format!("{asked:?}"), &found, &wanted))
        })
    }

    fn versions_differ(&self, store: &dyn Store) -> Option<String> {
        let versions_of = |copies: Vec<Copy<'_>>| {
            let owned = copies.iter().any(|(_, it, member)| it.owner == Some(*member));
            let counts = |(_, it, member): &Copy<'_>| it.may_be_by(*member) && it.owner.is_some() == owned;
            copies.into_iter().filter(counts).map(|(text, ..)| text.clone()).collect::<BTreeSet<_>>()
        };
        let by_id = self.by_id().into_iter().map(|(id, copies)| (id, versions_of(copies)));
        by_id.into_iter().find_map(|(id, wanted)| {
            let page = versions(store, id, None).expect("a simulated disk can be read");
            let found: BTreeSet<_> = page.objects.into_iter().map(|object| object.json).collect();
            (found != wanted).then(|| difference(&format!("versions of {id}"), &found, &wanted))
        })
    }
}

/// All texts that a query finds, page by page.
pub(crate) fn seen(store: &dyn Store, asked: &Query) -> BTreeSet<String> {
    let (mut found, mut before) = (BTreeSet::new(), None);
    loop {
        let page =
            query(store, &Reader::operator(0), asked, before, 500).expect("a simulated disk can be read");
        found.extend(page.objects.into_iter().map(|object| object.json));
        before = page.next;
        if before.is_none() {
            return found;
        }
    }
}

fn difference(asked: &str, found: &BTreeSet<String>, wanted: &BTreeSet<String>) -> String {
    let lacking = wanted.difference(found).next().map_or("nothing", String::as_str);
    let beyond = found.difference(wanted).next().map_or("nothing", String::as_str);
    format!("{asked}: lacks {lacking}, and has {beyond} that should not be there")
}
