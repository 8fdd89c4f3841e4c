//! The MISP feed: an event for what a member reports on a day, or on a part of one where it is too much for an event.
//!
//! Which values an event holds is worked out for all events together, by the rule of every list, and kept: sixteen bytes
//! for what one report says of one value. The events' files are then made from the objects themselves.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use certmesh_engine::store::StoreError;
use certmesh_engine::{Membership, at};
use certmesh_intel::formats::misp::{self, Event, EventFile};
use certmesh_intel::formats::{Feed, Row};
use certmesh_intel::{Object, Tlp, observable};
use certmesh_wire::{MemberCode, sha256};
use uuid::Uuid;

use super::FeedFault;
use super::making::{Making, Outcome};
use super::rows::each;
use super::wanted::Wanted;
use crate::clock::rfc3339;

const DAY_MS: u64 = 24 * 60 * 60 * 1_000;
/// More values than this make an event unwieldy.
const VALUES: usize = 10_000;
/// A day is cut into at most two to the power of this many parts.
const PARTS: u32 = 12;

/// All events, by their ids.
#[derive(Debug, Default)]
pub(super) struct Events(BTreeMap<Uuid, Reports>);

/// What an event holds.
#[derive(Debug)]
struct Reports {
    member: MemberCode,
    /// When its day began, milliseconds since 1970 UTC.
    day_ms: u64,
    /// Which part of the day, of how many.
    part: (u64, u64),
    tlp: Tlp,
    /// Sorted.
    values: Vec<Reported>,
}

/// The arrival of a report, and the digest of a listed value that it reports.
type Reported = (u64, u64);

/// What a value is found by among those that a report may have beside it: a few.
fn digest(kind: &str, value: &str) -> u64 {
    let hash = sha256(&[kind.as_bytes(), &[0], value.as_bytes()]);
    hash.first_chunk().copied().map_or(0, u64::from_be_bytes)
}

impl Events {
    /// The events of all listed values.
    pub(super) fn of(making: &mut Making<'_>, wanted: &Wanted) -> Result<Self, StoreError> {
        let mut days: BTreeMap<(MemberCode, u64), (Tlp, Vec<Reported>)> = BTreeMap::new();
        each(making, Feed::Misp, wanted, &mut |_, row| {
            let digest = digest(&row.kind, &row.value);
            for (arrival, codes) in &row.reports {
                for code in codes {
                    let day = days.entry((*code, arrival / DAY_MS)).or_insert((Tlp::Clear, Vec::new()));
                    day.0 = day.0.max(row.tlp);
                    day.1.push((*arrival, digest));
                }
            }
            ControlFlow::Continue(())
        })?;
        let mesh = making.membership.mesh();
        let mut events = Self::default();
        for ((member, day), (tlp, mut values)) in days {
            values.sort_unstable();
            values.dedup();
            for (part, values) in parts(day, values) {
                let words = format!("{member} {day} {}/{}", part.0, part.1);
                let reports = Reports { member, day_ms: day * DAY_MS, part, tlp, values };
                events.0.insert(misp::event_id(&mesh.0, &words), reports);
            }
        }
        Ok(events)
    }

    /// `manifest.json`.
    pub(super) fn manifest(&self, making: &mut Making<'_>) {
        let infos: Vec<_> = self.0.values().map(|reports| reports.info(making.head.mesh)).collect();
        let events = self.0.iter().zip(&infos);
        let events: Vec<_> = events
            .map(|((id, reports), info)| reports.event(*id, info, making.membership, making.head.exercise))
            .collect();
        making.out.text().push_str(&misp::manifest(events.iter()));
    }

    /// `hashes.csv`.
    pub(super) fn hashes(&self, making: &mut Making<'_>) -> Outcome {
        for (id, reports) in &self.0 {
            let flow = reports.each(making, &mut |making, row| {
                misp::hash(row, *id, making.out.text());
                making.out.flow()
            })?;
            if flow.is_break() {
                break;
            }
        }
        Ok(())
    }

    /// The file of an event.
    pub(super) fn file(&self, id: Uuid, making: &mut Making<'_>) -> Outcome {
        let reports = self.0.get(&id).ok_or(FeedFault::NoSuchEvent)?;
        let info = reports.info(making.head.mesh);
        let event = reports.event(id, &info, making.membership, making.head.exercise);
        let mut file = EventFile::begin(&event, making.out.text());
        let flow = reports.each(making, &mut |making, row| {
            file.row(row, making.out.text());
            making.out.flow()
        })?;
        if flow.is_continue() {
            file.end(making.out.text());
        }
        Ok(())
    }
}

impl Reports {
    fn info(&self, mesh: &str) -> String {
        let day = rfc3339(self.day_ms);
        let part = match self.part {
            (_, 1) => String::new(),
            (part, parts) => format!(", part {} of {parts}", part + 1),
        };
        format!("{mesh}: reported by {} on {}{part}", self.member, &day[..10])
    }

    fn event<'a>(&self, id: Uuid, info: &'a str, membership: &'a Membership, exercise: bool) -> Event<'a> {
        let member = membership.roster().member(self.member);
        let identity = member.and_then(|member| member.identity.strip_prefix("identity--")?.parse().ok());
        let unknown = || misp::event_id(&membership.mesh().0, &self.member.to_string());
        Event {
            id,
            organisation: member.map_or("unknown", |member| &member.cert),
            organisation_id: identity.unwrap_or_else(unknown),
            info,
            begun_ms: self.day_ms,
            changed_ms: self.values.last().map_or(self.day_ms, |(arrival, _)| *arrival),
            tlp: self.tlp,
            exercise,
        }
    }

    /// Visits the values of the event, each once.
    fn each(
        &self,
        making: &mut Making<'_>,
        visit: &mut dyn FnMut(&mut Making<'_>, &Row<'_>) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, StoreError> {
        let mut seen = std::collections::BTreeSet::new();
        let code = self.member.to_string();
        for values in self.values.chunk_by(|(one, _), (other, _)| one == other) {
            let arrival = values[0].0;
            let Some(stored) =
                at(making.store, arrival)?.filter(|stored| stored.tlp <= making.reader.ceiling)
            else {
                continue;
            };
            let Ok(object) = Object::read(&stored.json) else { continue };
            let (name, labels) = (object.name(), object.labels());
            for mention in observable::of(&object).into_iter().filter(|mention| !mention.partial) {
                let observable = mention.observable;
                // What else the report mentions is not in the lists: not asked for, outvoted, or held back.
                let listed = (arrival, digest(&observable.kind, &observable.value));
                if values.binary_search(&listed).is_err() {
                    continue;
                }
                let row = Row {
                    kind: &observable.kind,
                    value: &observable.value,
                    members: &code,
                    confidence: object.confidence(),
                    labels: &labels,
                    object_id: &stored.id,
                    tlp: stored.tlp,
                    first_seen_ms: first_seen_ms(&object).unwrap_or(stored.received_ms),
                    changed_ms: arrival,
                    valid_until_ms: None,
                    name: name.as_deref(),
                };
                if seen.insert(observable.clone()) && visit(making, &row).is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
        }
        Ok(ControlFlow::Continue(()))
    }
}

fn first_seen_ms(object: &Object<'_>) -> Option<u64> {
    let micros = object.first_seen().or(object.valid_from()).or(object.modified())?;
    u64::try_from(micros / 1_000).ok()
}

/// A day's values in as few equal parts of the day as make none too long: a power of two, so that a part that is cut
/// further leaves the others as they are.
fn parts(day: u64, values: Vec<Reported>) -> BTreeMap<(u64, u64), Vec<Reported>> {
    for power in 0..=PARTS {
        let count = 1 << power;
        let part = |(arrival, _): &Reported| (arrival - day * DAY_MS) * count / DAY_MS;
        let chunks = || values.chunk_by(|one, other| part(one) == part(other));
        if chunks().map(<[_]>::len).max().unwrap_or_default() <= VALUES || power == PARTS {
            return chunks().map(|chunk| ((part(&chunk[0]), count), chunk.to_vec())).collect();
        }
    }
    BTreeMap::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_cut_where_it_is_too_much_for_an_event() {
        let day = 20_000;
        let few: Vec<_> = (0..10).map(|n| (day * DAY_MS + n * 1_000_000, n)).collect();
        assert_eq!(parts(day, few.clone()), BTreeMap::from([((0, 1), few)]));
        let many: Vec<_> = (0..50_000).map(|n| (day * DAY_MS + n, n)).collect();
        let cut = parts(day, many.clone());
        assert!(cut.len() > 1 && cut.values().all(|part| part.len() <= 25_000), "{}", cut.len());
        assert_eq!(cut.into_values().flatten().collect::<Vec<_>>(), many);
        assert!(parts(day, Vec::new()).is_empty());
    }
}
