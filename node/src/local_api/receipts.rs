//! Who holds what: `GET /v1/receipts/{id}`.

use axum::Json;
use axum::extract::{Path, State as AxumState};
use certmesh_api::{Holder, Receipts, RecordReceipts};
use certmesh_engine::{carriers, receipts as of_record};
use certmesh_wire::{NodeId, RecordId};

use super::State;
use super::answers::Failure;

pub(super) async fn receipts(
    AxumState(state): AxumState<State>,
    Path(id): Path<String>,
) -> Result<Json<Receipts>, Failure> {
    let records = match id.parse::<RecordId>() {
        Ok(record) => vec![record],
        Err(_) => carriers(&*state.store, &id)?,
    };
    let mut found = Vec::new();
    for record in records {
        if let Some(known) = of_record(&*state.store, &state.membership.now(), state.node_id, record)? {
            found.push(describe(&state, known));
        }
    }
    if found.is_empty() {
        return Err(Failure::refused(
            format!("this node holds no object or record {id} that counts"),
            Some("give a STIX id as `certmesh query` shows it, or a record's 64 hexadecimal digits"),
        ));
    }
    Ok(Json(Receipts { records: found }))
}

fn describe(state: &State, known: certmesh_engine::Receipts) -> RecordReceipts {
    let nodes = known.holders.iter().map(|(node, since_ms)| holder(state, *node, *since_ms));
    let mut nodes: Vec<_> = nodes.collect();
    nodes.sort_by(|one, other| (&one.member, &one.node_id).cmp(&(&other.member, &other.node_id)));
    RecordReceipts {
        record: known.record.to_string(),
        member: known.member.to_string(),
        node_id: known.author.to_string(),
        seq: known.seq,
        created_ms: known.created_ms,
        nodes,
    }
}

fn holder(state: &State, node: NodeId, since_ms: Option<u64>) -> Holder {
    let membership = state.membership.now();
    let member = membership.member_of(node);
    Holder {
        member: member.map_or_else(String::new, |member| member.code.to_string()),
        cert: member.map_or_else(String::new, |member| member.cert.clone()),
        node_id: node.to_string(),
        since_ms,
    }
}
