//! Whether a value is known, and who says so.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::ops::ControlFlow;

use certmesh_intel::object::Stance;
use certmesh_intel::{Object, Question, observable};
use certmesh_wire::MemberCode;

use super::confirm::Sources;
use super::known::KnownValues;
use super::mentions::{How, Mentioned, Search};
use super::merge::Merge;
use super::reader::{Reader, Summary, members, object_at};
use crate::layout::{self, Term};
use crate::limits::{CHECK_BYTES, HITS, REFERENCES_READ};
use crate::store::{Order, Readable, StoreError};

/// The label by which a publisher says that its own object is wrong.
const FALSE_POSITIVE: &str = "false-positive";

/// Whether an object's own publisher says that it is wrong.
pub(crate) fn is_false_positive(object: &Object<'_>) -> bool {
    object.labels().iter().any(|label| label == FALSE_POSITIVE)
}

/// An object that mentions what was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// What its observable is to the value.
    pub how: How,
    /// What its observable is, such as `ipv4-addr`.
    pub kind: String,
    /// Its observable, in normal form.
    pub value: String,
    /// Whether it is one condition among several, and says nothing by itself.
    pub partial: bool,
    /// The object.
    pub object: Summary,
}

/// What is known of a value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// The objects that mention it: exact ones first, the latest arrival first among equals.
    pub hits: Vec<Hit>,
    /// Whether there may be more.
    pub capped: bool,
    /// Who confirms it independently: the most members that can each be named for a source of its own, where
    /// copies of one source (the same bytes, author or external id) count as one.
    pub confirmed_by: u64,
    /// How often each member has seen it: the counts of its sightings of the objects.
    pub sightings: BTreeMap<MemberCode, u64>,
    /// How many times each member calls it a false positive: its opinions that disagree, and its own objects with the label
    /// `false-positive`.
    pub false_positives: BTreeMap<MemberCode, u64>,
}

impl Answer {
    /// Whether anyone mentions it. Of a value that so many objects mention that the search for a live one was cut short,
    /// it is assumed.
    pub fn is_known(&self) -> bool {
        !self.hits.is_empty() || self.capped
    }
}

/// What the reader may know of a value: live objects only, which are newest, unexpired, unrevoked and within
/// the ceiling; and which say something of it. Bare observables don't: they have no end, and would keep a value known
/// whose indicator has ended or was taken back.
pub fn check(
    store: &dyn Readable,
    known: &KnownValues,
    reader: &Reader,
    question: &Question,
) -> Result<Answer, StoreError> {
    let warns = |row: &layout::Row| !row.bare && !reader.has_expired(row.valid_until_ms);
    let mut search = Search::new(store, reader, Term::Observable, &warns, HITS);
    search.ask(question, Some(known))?;
    if search.found.is_empty() {
        return Ok(Answer { capped: search.capped, ..Answer::default() });
    }
    let mut answering = Answering::new(store, reader);
    answering.answer.capped = search.capped;
    for mentioned in in_turns(search.found) {
        answering.add(mentioned)?;
    }
    answering.finish(known)
}

/// Each member's first, then each one's second, and so on: what is read before it is too much is everyone's.
fn in_turns(found: Vec<Mentioned>) -> Vec<Mentioned> {
    let mut turns = BTreeMap::new();
    let mut in_turns: Vec<_> = found
        .into_iter()
        .map(|mentioned| {
            let turn: &mut usize = turns.entry(mentioned.whose).or_default();
            *turn += 1;
            (*turn, mentioned)
        })
        .collect();
    in_turns.sort_by_key(|(turn, _)| *turn);
    in_turns.into_iter().map(|(_, mentioned)| mentioned).collect()
}

/// An answer being put together.
struct Answering<'a> {
    store: &'a dyn Readable,
    reader: &'a Reader,
    answer: Answer,
    sources: Sources,
    /// Objects that are read, by arrival; nothing where one has moved on since the row was read. Their texts are
    /// let go: together they may be gigabytes.
    objects: BTreeMap<u64, Option<Summary>>,
    bytes: usize,
}

impl<'a> Answering<'a> {
    fn new(store: &'a dyn Readable, reader: &'a Reader) -> Self {
        let (answer, sources) = (Answer::default(), Sources::default());
        Self { store, reader, answer, sources, objects: BTreeMap::new(), bytes: 0 }
    }

    fn add(&mut self, mentioned: Mentioned) -> Result<(), StoreError> {
        let Mentioned { how, key, kind, arrival, row, .. } = mentioned;
        if !self.objects.contains_key(&arrival) {
            let told = self.read(arrival)?;
            self.objects.insert(arrival, told);
        }
        if let Some(Some(summary)) = self.objects.get(&arrival) {
            let (summary, partial) = (summary.clone(), row.partial);
            let value = match layout::observable_text(&key) {
                Some(value) => value,
                None => object_at(self.store, arrival)?
                    .map_or_else(String::new, |stored| value_of(&key, &stored.json)),
            };
            self.answer.hits.push(Hit { how, kind, value, partial, object: summary });
        }
        Ok(())
    }

    fn read(&mut self, arrival: u64) -> Result<Option<Summary>, StoreError> {
        if self.bytes > CHECK_BYTES {
            self.answer.capped = true;
            return Ok(None);
        }
        let Some(stored) = object_at(self.store, arrival)? else { return Ok(None) };
        self.bytes += stored.json.len();
        let Ok(object) = Object::read(&stored.json) else { return Ok(None) };
        let summary = Summary::of(&stored, &object, members(self.store, &stored)?);
        self.sources.add(&object, &summary.members);
        if is_false_positive(&object) {
            for member in &summary.members {
                *self.answer.false_positives.entry(*member).or_default() += 1;
            }
        }
        Ok(Some(summary))
    }

    fn finish(mut self, known: &KnownValues) -> Result<Answer, StoreError> {
        let told = self.objects.values().flatten().map(|summary| &summary.id);
        let mut ids: Vec<_> = told.filter(|id| known.may_be_spoken_of(id)).cloned().collect();
        ids.sort();
        ids.dedup();
        let mut left = REFERENCES_READ;
        for id in ids {
            let Answer { sightings, false_positives, capped, .. } = &mut self.answer;
            let flow = each_word(self.store, self.reader, &id, &mut left, |members, word| {
                for member in members {
                    match word {
                        Word::Seen(times) => {
                            let seen = sightings.entry(member).or_default();
                            *seen = seen.saturating_add(times);
                        }
                        Word::Wrong => *false_positives.entry(member).or_default() += 1,
                    }
                }
            })?;
            *capped |= flow.is_break();
        }
        self.answer.confirmed_by = self.sources.confirmations();
        self.answer.hits.sort_by_key(|hit| (hit.how, Reverse(hit.object.arrival)));
        Ok(self.answer)
    }
}

/// The normal form of the observable with this key, which the object mentions.
pub(crate) fn value_of(key: &[u8], json: &str) -> String {
    let from_object = || {
        let object = Object::read(json).ok()?;
        let mut mentions = observable::of(&object).into_iter();
        mentions.find(|mention| mention.observable.key() == key).map(|mention| mention.observable.value)
    };
    layout::observable_text(key).or_else(from_object).unwrap_or_default()
}

/// What others say of an object.
pub(crate) enum Word {
    /// It was seen, so many times.
    Seen(u64),
    /// It is wrong.
    Wrong,
}

/// Calls `each` with the live sightings of an object, and the live opinions that disagree with it, and with who
/// publishes them. Reads at most `left` references, and breaks off when there are more.
pub(crate) fn each_word(
    store: &dyn Readable,
    reader: &Reader,
    id: &str,
    left: &mut usize,
    mut each: impl FnMut(Vec<MemberCode>, Word),
) -> Result<ControlFlow<()>, StoreError> {
    let ranges = reader.ranges(&Term::Reference(id.to_owned()));
    let mut rows = Merge::numbered(store, Order::Descending, ranges, (0, u64::MAX));
    let wanted = layout::word_ends();
    while let Some(read) = rows.next()? {
        if *left == 0 {
            return Ok(ControlFlow::Break(()));
        }
        *left -= 1;
        let (arrival, end) = layout::split_number(read.rest)?;
        let expired = reader.has_expired(layout::Row::decode(read.value)?.valid_until_ms);
        if expired || !wanted.iter().any(|wanted| wanted == end) {
            continue;
        }
        let Some(stored) = object_at(store, arrival)? else { continue };
        let Ok(object) = Object::read(&stored.json) else { continue };
        let word = match (object.sighting(), object.opinion()) {
            (Some(sighting), _) => Word::Seen(sighting.count),
            (_, Some(opinion)) if opinion.stance <= Stance::Disagree => Word::Wrong,
            _ => continue,
        };
        each(members(store, &stored)?, word);
    }
    Ok(ControlFlow::Continue(()))
}
