//! What readers should see, worked out from the records of a disk alone and in the plainest way: the
//! engine's index and views are held against it.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use certmesh_engine::store::{Family, Store};
use certmesh_engine::{Membership, Query, Reader, query, versions};
use certmesh_wire::{Kind, MemberCode, Record, RecordId, sha256};

use crate::reading;
use crate::workload::Facts;

/// What decides between versions of an object: its time, then the lower hash.
type Rank = (u64, Reverse<[u8; 32]>);

/// The lowest marking that an unmarked object may stand under: AMBER.
const UNMARKED: u8 = 2;

/// One text and who published it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Published {
    facts: Facts,
    by: BTreeSet<MemberCode>,
    records: BTreeSet<RecordId>,
}

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
                    model.add(&record, &body, member);
                }
            }
        }
        model
    }

    fn add(&mut self, record: &Record, body: &[u8], member: MemberCode) {
        let header = record.header();
        let Some(reference) = header.body.filter(|_| header.kind == Kind::OBJECTS) else { return };
        let texts = reference.unpack(body).unwrap_or_default();
        let facts: Option<Vec<_>> = texts.iter().map(|text| Facts::read(text)).collect();
        match facts {
            Some(facts) if !texts.is_empty() && header.tlp >= UNMARKED => {
                for (text, facts) in texts.into_iter().zip(facts) {
                    let (by, records) = (BTreeSet::new(), BTreeSet::new());
                    let known = self.texts.entry(text).or_insert(Published { facts, by, records });
                    known.by.insert(member);
                    known.records.insert(record.id());
                }
            }
            _ => self.void += 1,
        }
    }

    /// The texts that readers see: not revoked, and the winner of somebody who published them. Of one
    /// publisher's versions the one that was modified last wins; of several with one time, the one whose
    /// text has the lowest SHA-256, on all nodes alike.
    pub(crate) fn visible(&self) -> BTreeSet<&String> {
        let mut winners: BTreeMap<(&str, MemberCode), Rank> = BTreeMap::new();
        let rank = |text: &String, facts: &Facts| (facts.version, Reverse(sha256(&[text.as_bytes()])));
        for (text, published) in &self.texts {
            for by in &published.by {
                let mine = rank(text, &published.facts);
                let known = winners.entry((&published.facts.id, *by)).or_insert(mine);
                *known = (*known).max(mine);
            }
        }
        let is_seen = |(text, published): &(&String, &Published)| {
            let facts = &published.facts;
            let wins = |by: &MemberCode| winners.get(&(facts.id.as_str(), *by)) == Some(&rank(text, facts));
            !facts.revoked && published.by.iter().any(wins)
        };
        self.texts.iter().filter(is_seen).map(|(text, _)| text).collect()
    }

    /// How many keys the index should have.
    fn keys(&self) -> usize {
        let of = |published: &Published| {
            let observables = usize::from(published.facts.domain.is_some());
            2 + observables + 2 * published.by.len() + published.records.len()
        };
        self.texts.values().map(of).sum()
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
        let mut by_id: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
        for (text, published) in &self.texts {
            by_id.entry(&published.facts.id).or_default().insert(text.clone());
        }
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
