//! Questions with one answer: what is related, why a value is listed or not, and a record as it was signed.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query as AxumQuery, State as AxumState};
use certmesh_api::{Reason, Related, Relation, SignedRecord, Summary, Why};
use certmesh_engine::store::{Readable, StoreError};
use certmesh_engine::{Because, How, Query, Reader, parcel, query};
use certmesh_intel::allow::AllowList;
use certmesh_intel::{Object, Question, Tlp};
use certmesh_wire::RecordId;
use serde::Deserialize;

use super::State;
use super::answers::Failure;
use super::streams::{reading, to_line};
use crate::clock::now_ms;

/// Of so many relationships the other end's name is looked up.
const NAMED: usize = 100;

pub(super) async fn related(
    AxumState(state): AxumState<State>,
    Path(id): Path<String>,
) -> Result<Json<Related>, Failure> {
    let (found, mut beyond) = reading(&state.store, move |store| related_and_named(store, &id)).await?;
    let membership = state.membership.now();
    let mut relation = |relation: certmesh_engine::Relation| -> Result<Relation, Failure> {
        let object = relation.object.map(|object| to_line(&membership, &object)).transpose()?;
        let beyond = beyond.remove(&relation.id).flatten();
        Ok(Relation { property: relation.property, id: relation.id, object, beyond })
    };
    Ok(Json(Related {
        referred_by: found.referred_by.into_iter().map(&mut relation).collect::<Result<_, _>>()?,
        refers_to: found.refers_to.into_iter().map(&mut relation).collect::<Result<_, _>>()?,
        capped: found.capped,
    }))
}

/// What the objects at the other ends of relationships are called, by the relationships' ids.
type Beyond = BTreeMap<String, Option<String>>;

fn related_and_named(
    store: &dyn Readable,
    id: &str,
) -> Result<(certmesh_engine::Related, Beyond), StoreError> {
    let reader = Reader::operator(now_ms());
    let found = certmesh_engine::related(store, &reader, id)?;
    let relationships = found.referred_by.iter().filter_map(|relation| {
        let object = relation.object.as_ref()?;
        Some((object.id.clone(), other_end(&object.json, id)?))
    });
    let named = relationships
        .take(NAMED)
        .map(|(relationship, id)| name_of(store, &reader, id).map(|name| (relationship, name)));
    let beyond = named.collect::<Result<_, _>>()?;
    Ok((found, beyond))
}

/// The id at the end of a relationship that is not this one.
fn other_end(json: &str, id: &str) -> Option<String> {
    let relationship = Object::read(json).ok()?.relationship()?;
    Some(if relationship.source == id { relationship.target } else { relationship.source })
}

fn name_of(store: &dyn Readable, reader: &Reader, id: String) -> Result<Option<String>, StoreError> {
    let found = query(store, reader, &Query { id: Some(id), ..Query::default() }, None, 1)?;
    let stored = found.objects.first();
    Ok(stored.and_then(|stored| Object::read(&stored.json).ok()?.name()))
}

pub(super) async fn record(
    AxumState(state): AxumState<State>,
    Path(id): Path<String>,
) -> Result<Json<SignedRecord>, Failure> {
    let unknown = || Failure::refused(format!("this node holds no record {id} that counts"), None);
    let record: RecordId = id.parse().map_err(|_| unknown())?;
    let found = reading(&state.store, move |store| parcel(store, record)).await?;
    let parcel = found.ok_or_else(unknown)?;
    Ok(Json(SignedRecord {
        record: record.to_string(),
        mesh: state.membership.now().mesh().to_string(),
        parcel: parcel.encode().iter().map(|byte| format!("{byte:02x}")).collect(),
    }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WhyParams {
    value: String,
    ceiling: Option<String>,
}

pub(super) async fn why(
    AxumState(state): AxumState<State>,
    params: Result<AxumQuery<WhyParams>, QueryRejection>,
) -> Result<Json<Why>, Failure> {
    let AxumQuery(params) = params.map_err(|e| Failure::refused(e.body_text(), None))?;
    let ceiling = params.ceiling.as_deref().unwrap_or("green").parse();
    let ceiling: Tlp = ceiling.map_err(|fault| Failure::refused(fault, None))?;
    let question = Question::read(&params.value);
    let reader = Reader { ceiling, now_ms: now_ms() };
    let found = reading(&state.store, move |store| certmesh_engine::why(store, &reader, &question)).await?;
    let held_back = held_back(&state.allow.now(), &params.value, &found.reasons);
    let is_listed = |reason: &certmesh_engine::Reason| {
        reason.how == How::Exact
            && !reason.partial
            && reason.because == Because::Listed
            && says_it_is_bad(reason)
    };
    Ok(Json(Why {
        value: params.value,
        ceiling: ceiling.to_string(),
        listed: held_back.is_none() && found.reasons.iter().any(is_listed),
        exercise: state.membership.now().roster().exercise,
        held_back,
        reasons: found.reasons.into_iter().map(reason).collect(),
        capped: found.capped,
    }))
}

/// Why no list holds the value, as whatever it is mentioned; as what it looks like, if nobody mentions it.
fn held_back(allow: &AllowList, value: &str, reasons: &[certmesh_engine::Reason]) -> Option<String> {
    let exact = reasons.iter().filter(|reason| reason.how == How::Exact);
    let mut exact = exact.map(|reason| (reason.kind.as_str(), reason.value.as_str())).peekable();
    if exact.peek().is_some() {
        let found = exact.find_map(|(kind, value)| allow.holds_back(kind, value));
        return found.map(|held| held.to_string());
    }
    allow.holds_back_typed(value).map(|held| held.to_string())
}

/// Whether it is an indicator: whatever else mentions a value says nothing against it.
fn says_it_is_bad(reason: &certmesh_engine::Reason) -> bool {
    reason.object.id.starts_with("indicator--")
}

fn reason(found: certmesh_engine::Reason) -> Reason {
    let (because, expired_ms, superseded_by, by) = match found.because {
        Because::Listed if !says_it_is_bad(&found) => ("no-indicator", None, None, Vec::new()),
        Because::Listed => ("listed", None, None, Vec::new()),
        Because::Expired { at_ms } => ("expired", Some(at_ms), None, Vec::new()),
        Because::Revoked => ("revoked", None, None, Vec::new()),
        Because::Superseded { by } => ("superseded", None, by, Vec::new()),
        Because::AboveCeiling => ("above-ceiling", None, None, Vec::new()),
        Because::NotOwner { owner } => ("not-owner", None, None, vec![owner]),
        Because::FalsePositive { members } => ("false-positive", None, None, members),
    };
    Reason {
        how: found.how.word().to_owned(),
        kind: found.kind,
        value: found.value,
        partial: found.partial,
        because: because.to_owned(),
        expired_ms,
        superseded_by,
        by: by.iter().map(ToString::to_string).collect(),
        object: summary(found.object),
    }
}

fn summary(found: certmesh_engine::Summary) -> Summary {
    Summary {
        object_id: found.id,
        members: found.members.iter().map(ToString::to_string).collect(),
        tlp: found.tlp.to_string(),
        confidence: found.confidence,
        arrival: found.arrival,
        received_ms: found.received_ms,
        first_seen_ms: found.first_seen_ms,
        valid_until_ms: found.valid_until_ms,
        name: found.name,
    }
}
