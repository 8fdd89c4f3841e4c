//! Routes with one answer: publish, status, peers; and how errors are put into words.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequest, State as AxumState};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use certmesh_api::{ErrorBody, Fork, Forks, Peer, PeerState, Peers, PublishRequest, Published, Status};
use certmesh_engine::store::StoreError;
use certmesh_engine::tokens::Scope;
use certmesh_engine::{Lag, PublishFault, Signing, Split, counts, forks as known_forks, nearly_used_up};
use certmesh_wire::{NodeState, RecordId, sha256};
use tokio::sync::oneshot;

use super::State;
use crate::clock::{now_ms, rfc3339};
use crate::driver::{FullDisk, Input};
use crate::metrics;
use crate::peers::PeerEntry;

/// How long after the last record that was put off a member counts as flooding, milliseconds.
const FLOOD_MS: u64 = 5 * 60 * 1_000;

/// How long after a change of rosters and manifests two other members should have confirmed it, milliseconds.
const AGREEMENT_MS: u64 = 2 * 60 * 1_000;
/// How long a node may hear from no other one before that is alarming: `config/alerts.yml` says the same.
const CUT_OFF_MS: u64 = 5 * 60 * 1_000;
/// How often alarms are looked at for the log.
const ALARMS_LOGGED: std::time::Duration = std::time::Duration::from_secs(10);

/// Says alarms in the log as they arise, each once while it lasts.
pub(super) async fn log_alarms(state: State) {
    let mut said = BTreeSet::new();
    loop {
        tokio::time::sleep(ALARMS_LOGGED).await;
        let signing = state.signing.borrow().clone();
        // Figures in an alarm change; its first words say which one it is.
        let key = |alarm: &String| alarm.split([',', ';', ':']).next().map(str::to_owned);
        let Ok(alarms) = alarms(&state, &signing) else { continue };
        for alarm in alarms.iter().filter(|alarm| !said.contains(&key(alarm))) {
            tracing::warn!("alarm: {alarm}");
        }
        said = alarms.iter().map(key).collect();
    }
}

/// An answer that says why not.
pub(super) struct Failure(StatusCode, ErrorBody);

impl Failure {
    pub(super) fn refused(error: impl ToString, hint: Option<&str>) -> Self {
        let body = ErrorBody { error: error.to_string(), hint: hint.map(str::to_owned) };
        Self(StatusCode::UNPROCESSABLE_ENTITY, body)
    }

    pub(super) fn stopping() -> Self {
        let body = ErrorBody {
            error: "the node did not carry this out: it is stopping, or its disk is full".into(),
            hint: Some(
                "try again when it is back, or has room; publishing the same objects again is safe".into(),
            ),
        };
        Self(StatusCode::SERVICE_UNAVAILABLE, body)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        tracing::error!("{error}");
        let body =
            ErrorBody { error: error.to_string(), hint: Some("look at the node's log and its disk".into()) };
        Self(StatusCode::INTERNAL_SERVER_ERROR, body)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        (self.0, Json(self.1)).into_response()
    }
}

/// JSON that was asked for in the right form; anything else is refused in our own words.
pub(super) struct Asked<T>(pub(super) T);

impl<T, S> FromRequest<S> for Asked<T>
where
    Json<T>: FromRequest<S, Rejection = JsonRejection>,
    S: Send + Sync,
{
    type Rejection = Failure;

    async fn from_request(request: axum::extract::Request, state: &S) -> Result<Self, Failure> {
        let Json(value) = Json::<T>::from_request(request, state)
            .await
            .map_err(|e| Failure(e.status(), ErrorBody { error: e.body_text(), hint: None }))?;
        Ok(Self(value))
    }
}

pub(super) async fn no_such_route() -> Failure {
    let body = ErrorBody {
        error: "the node has no such route".into(),
        hint: Some("the command and the node may be of different versions".into()),
    };
    Failure(StatusCode::NOT_FOUND, body)
}

pub(super) async fn publish(
    AxumState(state): AxumState<State>,
    Asked(request): Asked<PublishRequest>,
) -> Result<Json<Published>, Failure> {
    let (reply, answer) = oneshot::channel();
    let input = Input::Publish { objects: request.objects, reply };
    state.driver.send(input).await.map_err(|_| Failure::stopping())?;
    let published = answer.await.map_err(|_| Failure::stopping())?.map_err(|fault| {
        let hint = match &fault {
            PublishFault::Object(_) => Some("mend the object and publish again; nothing was published"),
            PublishFault::Unconfirmed { .. } => Some(
                "wait until other members are connected (`certmesh peers`); if none can be, see \
                 `certmesh node vouch --help`",
            ),
            PublishFault::Store(fault) if fault.is_full() => Some(
                "make room on the disk of the node's data folder: the node goes on by itself then; publishing the \
                 same objects again is safe",
            ),
            PublishFault::Tlp { .. } => Some("share it with the members it is meant for by other means"),
            _ => None,
        };
        Failure::refused(fault, hint)
    })?;
    Ok(Json(Published {
        objects: published.objects as u64,
        known: published.known as u64,
        record: published.record.to_string(),
    }))
}

pub(super) async fn vouch(AxumState(state): AxumState<State>) -> Result<Json<Done>, Failure> {
    let (reply, answer) = oneshot::channel();
    state.driver.send(Input::Vouch { reply }).await.map_err(|_| Failure::stopping())?;
    answer.await.map_err(|_| Failure::stopping())?;
    Ok(Json(Done {}))
}

/// Nothing to say but that it was done.
#[derive(serde::Serialize)]
pub(super) struct Done {}

pub(super) async fn reindex(AxumState(state): AxumState<State>) -> Result<Json<Done>, Failure> {
    let (reply, answer) = oneshot::channel();
    state.driver.send(Input::Reindex { reply }).await.map_err(|_| Failure::stopping())?;
    answer.await.map_err(|_| Failure::stopping())?;
    Ok(Json(Done {}))
}

pub(super) async fn status(AxumState(state): AxumState<State>) -> Result<Json<Status>, Failure> {
    let counts = counts(&*state.store)?;
    // A copy: the driver, which would wait for a guard, must not.
    let signing = state.signing.borrow().clone();
    let membership = state.membership.now();
    let roster = membership.roster();
    let node = membership.node(state.node_id);
    let is_live = node.is_some_and(|node| node.state == NodeState::Live);
    let member = node.and_then(|node| roster.members.iter().find(|member| member.code == node.member));
    let peers = state.peers.all();
    let lags = state.lags()?;
    Ok(Json(Status {
        mesh: state.membership.now().mesh().to_string(),
        mesh_name: roster.name.clone(),
        roster_version: roster.version,
        roster_document: membership.head().to_string(),
        roster_confirmed_by: state.peers.agreeing().0 as u64,
        exercise: roster.exercise,
        member: node.map_or_else(String::new, |node| node.member.to_string()),
        member_cert: member.map_or_else(String::new, |member| member.cert.clone()),
        member_identity: member.map_or_else(String::new, |member| member.identity.clone()),
        node_id: state.node_id.to_string(),
        version: env!("CARGO_PKG_VERSION").into(),
        signs: signing == Signing::Free && is_live,
        records: counts.records,
        objects: counts.objects,
        indicators: counts.indicators,
        refused: state.peers.refused().into_iter().map(|(why, n)| (why.to_owned(), n)).collect(),
        soc_urls: state.soc.served_at(),
        soc_tokens: state
            .tokens
            .borrow()
            .all()
            .iter()
            .filter(|token| {
                now_ms() < token.terms.expires_ms && Scope::READING.iter().any(|it| token.may(*it))
            })
            .count() as u64,
        alarms: alarms(&state, &signing)?,
        peers: peers
            .into_iter()
            .map(|(id, peer)| PeerState {
                member: peer.member.to_string(),
                node_id: id.to_string(),
                connected: peer.connected,
                behind_records: lags.get(&id).map(|lag| lag.records),
                behind_ms: lags.get(&id).and_then(behind_ms),
            })
            .collect(),
    }))
}

/// What contradicts itself, and who has to see to it.
fn split(split: &Split) -> String {
    match split {
        Split::Rosters { version, round, documents: [one, other] } => format!(
            "two valid rosters of version {version}, round {round}: {one} and {other}; membership stays as it \
             was until the members sign a higher round; whoever signed both has signed twice"
        ),
        Split::Manifests { member, version, documents: [one, other] } => format!(
            "two manifests of {member} of version {version}: {one} and {other}; the one before stands until \
             {member} signs the next on top of one of them, or the roster pins one"
        ),
        Split::Key { node, members: [one, other] } => format!(
            "{one} and {other} both have the node key {node} in use, and it has agreed to both: somebody else \
             holds it too; it signs for neither and nobody connects to it, until one of them retires or cuts it"
        ),
    }
}

/// The age of the oldest record that a peer lacks, milliseconds.
fn behind_ms(lag: &Lag) -> Option<u64> {
    lag.oldest_ms.map(|oldest| now_ms().saturating_sub(oldest))
}

/// What an operator should see to: a node that does not sign, keys that have signed two histories,
/// members that flood, logs that have nearly used up their allowance, and documents that have run out.
pub(crate) fn alarms(state: &State, signing: &Signing) -> Result<Vec<String>, StoreError> {
    let (now, membership) = (now_ms(), state.membership.now());
    let mut alarms = Vec::new();
    alarms.extend(membership.splits().iter().map(split));
    let full_disk = state.full_disk.borrow().clone();
    if let Some(FullDisk { revoked }) = full_disk {
        if !revoked.is_empty() {
            alarms.push(format!(
                "tokens that were revoked while the disk is full open nothing, but a stop before there is room would \
                 forget that: {}",
                revoked.join(", ")
            ));
        }
        alarms.push(
            "the disk is full: nothing is taken from others or published until there is room; what is here can \
             be read"
                .into(),
        );
    }
    let cut_off = state.feeds.cut_off_since_ms().filter(|since| now.saturating_sub(*since) > CUT_OFF_MS);
    if let Some(since) = cut_off {
        alarms.push(format!(
            "no other node is connected since {}: what SOC tools read of other members is as of then, and grows old",
            rfc3339(since)
        ));
    }
    if let Some(fault) = state.allow.fault() {
        alarms.push(format!("{fault}; the list stays as it was, and the node will not start with this one"));
    }
    let own = membership.node(state.node_id).map(|node| node.state);
    if own != Some(NodeState::Live) {
        alarms.push(
            "this node's key no longer counts: the manifest of its member, or the roster, has retired it; it \
             signs nothing any more, nobody connects to it, and what it shows grows old"
                .into(),
        );
    }
    let (agreeing, others, since) = state.peers.agreeing();
    if agreeing < others.min(2) && now.saturating_sub(since) > AGREEMENT_MS {
        alarms.push(format!(
            "{agreeing} other members have confirmed so far that they know of no newer roster and manifests \
             than this node does; two are needed to be sure"
        ));
    }
    if let Signing::Waiting { confirmed, needed } = signing {
        alarms.push(format!(
            "this node does not sign yet: it was not stopped cleanly, or has never run, and {} of {needed} \
             other members have confirmed where its log ends; it goes on by itself when they have",
            confirmed.len()
        ));
    }
    let forks = known_forks(&*state.store)?;
    let open = forks.values().filter(|fork| !fork.is_settled(&state.membership.now()));
    for fork in open.map(|fork| describe(state, fork)) {
        alarms.push(format!(
            "the key of node {} of {} has signed two histories: its log counts up to record {} and no \
             further, until {1} settles it (certmesh forks)",
            &fork.node_id[..8.min(fork.node_id.len())],
            fork.member,
            fork.seq
        ));
    }
    for (id, peer) in state.peers.all() {
        if peer.hung_up_ms.is_some_and(|last| now.saturating_sub(last) < FLOOD_MS) {
            alarms.push(format!(
                "node {} of {} goes on sending what can't be taken and is hung up on, {} times so far, each \
                 time for longer; {} records and messages of it were refused",
                id.short(),
                peer.member,
                peer.hung_up,
                peer.refused
            ));
        }
        if peer.delayed_ms.is_some_and(|last| now.saturating_sub(last) < FLOOD_MS) {
            alarms.push(format!(
                "{} sends more than its share: records are put off, {} times so far; nothing is lost, and \
                 nobody else waits for them",
                peer.member, peer.delayed
            ));
        }
    }
    for (address, cause) in state.soc.silent_at() {
        alarms.push(format!("SOC tools don't find this node at {address}: {cause}; it goes on trying"));
    }
    for used in nearly_used_up(&*state.store, &state.membership.now())? {
        alarms.push(format!(
            "a log of {} has used {} % of what the roster allows one log, and stops at 100 %: the members \
             should agree on a higher allowance, or {0} should use another node",
            used.member, used.percent
        ));
    }
    if state.membership.now().roster().expires_ms < now {
        alarms.push("the roster has expired; the members should agree on a renewed one".into());
    }
    for manifest in membership.manifests() {
        let manifest = manifest.unverified();
        let has_left = membership.roster().member(manifest.member).is_none();
        if manifest.expires_ms < now && !has_left {
            alarms.push(format!("the manifest of {} has expired; {0} should renew it", manifest.member));
        }
    }
    Ok(alarms)
}

pub(super) async fn metrics(AxumState(state): AxumState<State>) -> Result<impl IntoResponse, Failure> {
    Ok(([(CONTENT_TYPE, metrics::TEXT)], metrics::page(&state)?))
}

pub(super) async fn forks(AxumState(state): AxumState<State>) -> Result<Json<Forks>, Failure> {
    let mut forks: Vec<_> =
        known_forks(&*state.store)?.into_values().map(|fork| describe(&state, &fork)).collect();
    forks.sort_by(|one, other| (&one.member, &one.log).cmp(&(&other.member, &other.log)));
    Ok(Json(Forks { forks }))
}

fn describe(state: &State, fork: &certmesh_engine::Fork) -> Fork {
    let membership = state.membership.now();
    let opening = membership.log(fork.log);
    let ids = fork.records.each_ref().map(|signed| RecordId(sha256(&[signed])).to_string());
    Fork {
        member: opening.map_or_else(String::new, |opening| opening.member.to_string()),
        node_id: opening.map_or_else(String::new, |opening| opening.node.to_string()),
        log: fork.log.to_string(),
        seq: fork.seq,
        records: ids,
        settled: fork.is_settled(&state.membership.now()),
    }
}

pub(super) async fn peers(AxumState(state): AxumState<State>) -> Result<Json<Peers>, Failure> {
    let lags = state.lags()?;
    let peer = |(id, peer): (certmesh_wire::NodeId, PeerEntry)| Peer {
        member: peer.member.to_string(),
        cert: peer.cert,
        node_id: id.to_string(),
        connected: peer.connected,
        since_ms: peer.since_ms,
        addresses: peer.addresses,
        received: peer.received,
        refused: peer.refused,
        delayed: peer.delayed,
        told_ms: peer.told_ms,
        behind_records: lags.get(&id).map(|lag| lag.records),
        behind_ms: lags.get(&id).and_then(behind_ms),
    };
    Ok(Json(Peers { peers: state.peers.all().into_iter().map(peer).collect() }))
}
