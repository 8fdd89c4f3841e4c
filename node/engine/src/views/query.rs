//! Queries over the live objects, newest arrival first.
//!
//! A query walks the narrowest index that it can, backwards, and holds each object against the other conditions.
//! One page does a bounded amount of work: it may end early, or even empty, and say where the next one begins.

use certmesh_intel::{Object, Question, Tlp, observable};
use certmesh_wire::MemberCode;

use super::Page;
use super::merge::Merge;
use super::reader::{Reader, members, object_at, state};
use crate::index::to_ms;
use crate::layout::{self, Row, Shelf, StoredObject, Term};
use crate::limits::{PAGE_BYTES, PAGE_OBJECTS, PAGE_READS, PAGE_ROWS};
use crate::store::{Order, Readable, StoreError};

/// What to look for; conditions combine with AND.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    /// A value as an analyst types it, defanged or not.
    pub value: Option<String>,
    /// A STIX type.
    pub object_type: Option<String>,
    /// A kind of observable that it mentions, such as `ipv4-addr`.
    pub kind: Option<String>,
    /// A STIX id.
    pub id: Option<String>,
    /// Who published it.
    pub from: Option<MemberCode>,
    /// A label.
    pub label: Option<String>,
    /// An ATT&CK technique, such as `T1566`; its sub-techniques count too.
    pub technique: Option<String>,
    /// At least this confidence.
    pub confidence_min: Option<u8>,
    /// This marking.
    pub tlp: Option<Tlp>,
    /// Valid at this time, milliseconds since 1970 UTC: from `valid_from` on, until `valid_until`. The reader's own
    /// time, if absent, and then only the end counts.
    pub valid_at_ms: Option<u64>,
    /// Arrived at or after this, milliseconds.
    pub since_ms: Option<u64>,
    /// Arrived before this, milliseconds.
    pub until_ms: Option<u64>,
    /// Text in its name or description, in any case.
    pub text: Option<String>,
}

/// One page of a query's answer: objects that arrived before `before` (all, if absent), at most `limit`.
///
/// An object that a member published after others had stands later among that member's: if a query asks for a member and
/// nothing narrower, that is the arrival which counts, and which the answer has.
pub fn query(
    store: &dyn Readable,
    reader: &Reader,
    query: &Query,
    before: Option<u64>,
    limit: usize,
) -> Result<Page, StoreError> {
    let until = query.until_ms.unwrap_or(u64::MAX).min(before.unwrap_or(u64::MAX));
    let range = (query.since_ms.unwrap_or(0), until);
    let limit = limit.clamp(1, PAGE_OBJECTS);
    let mut asking = Asking { store, reader, query, bytes: 0, reads: 0, page: Page::default() };
    match &query.id {
        Some(id) => asking.look_up(id, range)?,
        None => asking.walk(range, limit)?,
    }
    Ok(asking.page)
}

/// What the rows of every answer to the query are found by: the narrowest that there is.
fn narrowest(query: &Query) -> Vec<Term> {
    if let Some(value) = &query.value {
        let question = Question::read(value);
        return question.exact().iter().cloned().map(Term::Observable).collect();
    }
    let shelf = |shelf| Term::Collection(shelf);
    vec![match query {
        Query { technique: Some(technique), .. } => Term::Technique(technique.clone()),
        Query { label: Some(label), .. } => Term::Label(label.clone()),
        Query { kind: Some(kind), .. } => Term::Kind(kind.clone()),
        Query { from: Some(member), .. } => shelf(Shelf::Member(*member)),
        Query { object_type: Some(name), .. } => shelf(Shelf::Type(name.clone())),
        _ => shelf(Shelf::All),
    }]
}

struct Asking<'a> {
    store: &'a dyn Readable,
    reader: &'a Reader,
    query: &'a Query,
    bytes: usize,
    reads: usize,
    page: Page,
}

impl Asking<'_> {
    fn walk(&mut self, range: (u64, u64), limit: usize) -> Result<(), StoreError> {
        let markings: Vec<_> =
            self.reader.markings().filter(|tlp| self.query.tlp.is_none_or(|it| it == *tlp)).collect();
        let terms = narrowest(self.query);
        let prefixes = terms.iter().flat_map(|term| markings.iter().map(|tlp| term.prefix(*tlp)));
        let mut rows = Merge::numbered(self.store, Order::Descending, prefixes.collect::<Vec<_>>(), range);
        let mut last = None;
        for examined in 0.. {
            let full = self.page.objects.len() >= limit || self.bytes >= PAGE_BYTES;
            if full || examined >= PAGE_ROWS || self.reads >= PAGE_READS {
                self.page.next = last;
                break;
            }
            let Some(read) = rows.next()? else { break };
            let (number, _) = layout::split_number(read.rest)?;
            // A value that an object has in two kinds stands in the index twice.
            if last.replace(number) != Some(number) {
                self.take(number, &Row::decode(read.value)?)?;
            }
        }
        Ok(())
    }

    fn take(&mut self, number: u64, row: &Row) -> Result<(), StoreError> {
        let at_ms = self.query.valid_at_ms.unwrap_or(self.reader.now_ms);
        let is_over = row.valid_until_ms.is_some_and(|until| until <= at_ms);
        let too_low = self.query.confidence_min.is_some_and(|least| row.confidence < Some(least));
        if row.revoked || is_over || too_low {
            return Ok(());
        }
        self.reads += 1;
        if let Some(stored) = object_at(self.store, row.arrival.unwrap_or(number))?
            && self.fits(&stored)?
        {
            self.bytes += stored.json.len();
            self.page.objects.push(StoredObject { arrival: number, ..stored });
        }
        Ok(())
    }

    fn look_up(&mut self, id: &str, (from, to): (u64, u64)) -> Result<(), StoreError> {
        let state = state(self.store, &layout::id(id))?;
        for arrival in state.shown.range(from.min(to)..to).rev() {
            let Some(stored) = object_at(self.store, *arrival)? else { continue };
            let Ok(object) = Object::read(&stored.json) else { continue };
            let row = Row {
                valid_until_ms: object.valid_until().map(to_ms),
                confidence: object.confidence(),
                revoked: stored.revoked,
                ..Row::default()
            };
            let asked = self.query.tlp.is_none_or(|tlp| tlp == stored.tlp);
            if asked && stored.tlp <= self.reader.ceiling {
                self.take(*arrival, &row)?;
            }
        }
        Ok(())
    }

    /// Whether an object meets the conditions that its row says nothing of.
    fn fits(&self, stored: &StoredObject) -> Result<bool, StoreError> {
        let Ok(object) = Object::read(&stored.json) else { return Ok(false) };
        let query = self.query;
        let fits = query.object_type.as_ref().is_none_or(|wanted| object.object_type() == wanted)
            && query.id.as_ref().is_none_or(|id| *id == stored.id)
            && query.label.as_ref().is_none_or(|label| object.labels().contains(label))
            && query.technique.as_ref().is_none_or(|asked| has_technique(&object, asked))
            && mentions(query, &object)
            && query.text.as_ref().is_none_or(|text| holds(&object, text))
            && query
                .valid_at_ms
                .is_none_or(|at_ms| object.valid_from().is_none_or(|from| to_ms(from) <= at_ms));
        if !fits {
            return Ok(false);
        }
        let from = query.from.map(|from| Ok(members(self.store, stored)?.contains(&from)));
        from.unwrap_or(Ok(true))
    }
}

fn has_technique(object: &Object<'_>, asked: &str) -> bool {
    let is_part = |one: &str| one.strip_prefix(asked).is_some_and(|rest| rest.starts_with('.'));
    object.techniques().iter().any(|one| one == asked || is_part(one))
}

fn mentions(query: &Query, object: &Object<'_>) -> bool {
    if query.kind.is_none() && query.value.is_none() {
        return true;
    }
    let question = query.value.as_deref().map(Question::read);
    let is_asked = |key: Vec<u8>| question.as_ref().is_none_or(|question| question.exact().contains(&key));
    let mut mentions = observable::of(object).into_iter();
    let of_kind = |kind: &str| query.kind.as_ref().is_none_or(|asked| asked == kind);
    mentions.any(|it| of_kind(&it.observable.kind) && is_asked(it.observable.key()))
}

fn holds(object: &Object<'_>, text: &str) -> bool {
    let text = text.to_lowercase();
    let holds = |prose: &str| prose.to_lowercase().contains(&text);
    object.name().is_some_and(|name| holds(&name)) || object.description().is_some_and(|it| holds(&it))
}
