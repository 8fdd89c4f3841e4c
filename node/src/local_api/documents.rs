//! Rosters and manifests: what an operator brings, `POST /v1/documents` with the bytes of the file; and what
//! is here, `GET /v1/documents`.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State as AxumState;
use certmesh_api::{DocumentFile, Documents, Submitted};
use certmesh_engine::{Document, DocumentFault, Membership};
use certmesh_wire::{ManifestFault, RosterFault};
use tokio::sync::oneshot;

use super::State;
use super::answers::Failure;
use crate::driver::Input;

pub(super) async fn submit(
    AxumState(state): AxumState<State>,
    body: Bytes,
) -> Result<Json<Submitted>, Failure> {
    let document = Document::decode(&body).map_err(|fault| refused(&fault))?;
    let (id, words) = (document.id(), document.words());
    let kind = match &document {
        Document::Roster(_) => "roster",
        Document::Manifest(_) => "manifest",
    };
    let before = state.membership.now();
    let (reply, answer) = oneshot::channel();
    let input = Input::Documents { from: None, documents: vec![document], reply };
    state.driver.send(input).await.map_err(|_| Failure::stopping())?;
    let results = answer.await.map_err(|_| Failure::stopping())?;
    let new = match results.into_iter().next() {
        Some(Ok(new)) => new,
        Some(Err(fault)) => return Err(refused(&fault)),
        None => false,
    };
    let after = state.membership.now();
    let stands = after.head() == id || after.manifests().iter().any(|signed| signed.id() == id);
    if new && !stands {
        return Err(without_effect(&words, after.splits() != before.splits()));
    }
    let effect = match (new, stands) {
        (true, _) => format!("{words} is here, stands, and travels to the others"),
        (false, true) => format!("{words} was here already, and stands"),
        (false, false) => format!("{words} was here already; {} stands", standing(&after, kind)),
    };
    Ok(Json(Submitted { document: id.to_string(), kind: kind.into(), effect, new, stands }))
}

/// What stands in the place of a document that does not, in words.
fn standing(membership: &Membership, kind: &str) -> String {
    let roster = membership.roster();
    match kind {
        "roster" => format!("version {}, round {}", roster.version, roster.round),
        _ => "another one".to_owned(),
    }
}

pub(super) async fn all(AxumState(state): AxumState<State>) -> Json<Documents> {
    let membership = state.membership.now();
    let all = membership.documents();
    let documents = all.ids().into_iter().filter_map(|id| Document::decode(&all.get(id)?).ok());
    Json(Documents { documents: documents.map(|document| file(&document)).collect() })
}

fn file(document: &Document) -> DocumentFile {
    let (kind, member, version) = match document {
        Document::Roster(signed) => ("roster", None, signed.roster().version),
        Document::Manifest(signed) => {
            let manifest = signed.unverified();
            ("manifest", Some(manifest.member.to_string()), manifest.version)
        }
    };
    let hex = document.encode().iter().map(|byte| format!("{byte:02x}")).collect();
    DocumentFile { kind: kind.into(), member, version, document: document.id().to_string(), hex }
}

/// A document that is good, is kept, and changes nothing: whoever brought it meant something else.
fn without_effect(words: &str, contradicts: bool) -> Failure {
    if contradicts {
        return Failure::refused(
            format!("{words} contradicts another one: both are kept as proof, and the version before stands"),
            Some("see the alarms of `certmesh status`, and page 10 of node/docs/operating.md"),
        );
    }
    Failure::refused(
        format!("{words} does not count: another one stands in its place, or it is by a root key of before"),
        Some(
            "`certmesh roster fetch DIR` gives what stands; make the next version of that, with the key of today",
        ),
    )
}

fn refused(fault: &DocumentFault) -> Failure {
    let hint = match fault {
        DocumentFault::Roster(RosterFault::TooFewVotes { .. }) => Some(
            "put the copies together that others have signed: `certmesh roster merge`; `roster show` says who has",
        ),
        DocumentFault::Roster(RosterFault::OtherMesh { .. })
        | DocumentFault::Manifest(ManifestFault::OtherMesh { .. }) => {
            Some("this is another mesh's file, or this is the wrong node: see --node")
        }
        DocumentFault::Orphan { .. } => Some("`certmesh roster import` takes several files, in any order"),
        DocumentFault::Neither => Some("give a file that `certmesh roster` or `certmesh manifest` has made"),
        _ => None,
    };
    Failure::refused(fault, hint)
}
