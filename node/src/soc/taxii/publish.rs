//! Publishing through TAXII, where a token may: through the driver, as the operators' command does. What is wrong
//! is refused object by object, in the status; what is good is published, and durable when the answer comes.

use std::fmt;

use axum::http::header::ALLOW;
use axum::http::{Method, StatusCode};
use axum::response::Response;
use bytes::Bytes;
use certmesh_engine::PublishFault;
use certmesh_engine::tokens::Scope;
use certmesh_intel::allow::AllowList;
use certmesh_intel::caution::{self, Weight};
use certmesh_intel::display::safe;
use certmesh_intel::validate::validate;
use certmesh_intel::{Object, Tlp};
use certmesh_wire::PackedBody;
use certmesh_wire::limits::BODY_OBJECTS;
use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;
use tokio::sync::oneshot;

use super::super::answer::{Answer, Problem, TAXII, bytes};
use super::super::body;
use super::super::document::Doc;
use super::super::limits::PUBLISH_BYTES;
use super::super::policy::{AnyTaxii, Granted, Publish};
use super::super::route::{Call, Route};
use super::collections::uuid;
use super::{collections, negotiation, stamp};
use crate::clock::now_ms;
use crate::driver::Input;

/// Text gathered in one record, in bytes: as the operators' command has it, so that it fits gossip.
const RECORD_TEXT_BYTES: usize = 256 * 1024;
/// The most characters of what is said of one object.
const MESSAGE: usize = 400;

pub(super) fn routes() -> Vec<Route> {
    let collection = |doc: Doc| doc.path("collection", "The collection of everything: `all`, or its id.");
    let doc = Doc::new("Publish objects, in the name of this node's member")
        .takes(TAXII, "Envelope")
        .gives(202, TAXII, "Status", "What became of each object.")
        .gives(404, TAXII, "TaxiiError", "There is no such collection.")
        .gives(406, TAXII, "TaxiiError", "The client accepts nothing that TAXII 2.1 has.")
        .gives(413, TAXII, "TaxiiError", "It is longer than the API root says it may be.")
        .gives(415, TAXII, "TaxiiError", "It is no TAXII 2.1 envelope by its type.")
        .gives(422, TAXII, "TaxiiError", "It holds no objects.");
    let delete = Doc::new("Refused: what was published is signed, and stays")
        .path("object", "A STIX id.")
        .gives(404, TAXII, "TaxiiError", "There is no such collection.");
    vec![
        Route::new(Method::POST, "/taxii2/mesh/collections/{collection}/objects/", collection(doc), publish),
        Route::new(
            Method::DELETE,
            "/taxii2/mesh/collections/{collection}/objects/{object}/",
            collection(delete),
            delete_object,
        ),
    ]
}

async fn delete_object(call: Call<Granted<AnyTaxii>>) -> Answer {
    collections::find(&call)?;
    if !call.grant.token().may(Scope::Publish) {
        return Err(Problem::new(StatusCode::FORBIDDEN, "this token may not write").hint(
            "that takes a token made with `--scope publish`; and nothing that was published can be deleted",
        ));
    }
    Err(Problem::new(StatusCode::METHOD_NOT_ALLOWED, "nothing that was published can be deleted")
        .hint("publish a version of the object with `revoked` set to true: every member then takes it back")
        .with(ALLOW, "GET, HEAD"))
}

/// The part of an envelope that matters.
#[derive(Deserialize)]
struct Envelope {
    #[serde(default, deserialize_with = "bounded")]
    objects: Vec<Box<RawValue>>,
}

/// The most objects of an envelope: a status names each of them, and a body of nothing but `1,1,1` has millions.
const ENVELOPE_OBJECTS: usize = 4 * BODY_OBJECTS;

/// A list with at most [`ENVELOPE_OBJECTS`].
fn bounded<'de, D: Deserializer<'de>>(list: D) -> Result<Vec<Box<RawValue>>, D::Error> {
    struct Bounded;
    impl<'de> Visitor<'de> for Bounded {
        type Value = Vec<Box<RawValue>>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "a list of at most {ENVELOPE_OBJECTS} objects")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
            let mut objects = Vec::new();
            while let Some(object) = items.next_element()? {
                if objects.len() == ENVELOPE_OBJECTS {
                    return Err(A::Error::invalid_length(objects.len() + 1, &self));
                }
                objects.push(object);
            }
            Ok(objects)
        }
    }
    list.deserialize_seq(Bounded)
}

/// TAXII 2.1, section 4.3.1.
#[derive(Serialize)]
struct Status {
    id: String,
    status: &'static str,
    request_timestamp: String,
    total_count: usize,
    success_count: usize,
    successes: Vec<Detail>,
    failure_count: usize,
    failures: Vec<Detail>,
    pending_count: usize,
    pendings: [Detail; 0],
}

/// What became of one object.
#[derive(Serialize)]
struct Detail {
    id: String,
    version: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

async fn publish(call: Call<Granted<Publish>>) -> Answer {
    negotiation::accepts(&call.parts.headers)?;
    negotiation::is_envelope(&call.parts.headers)?;
    if !collections::find(&call)?.takes_objects() {
        return Err(Problem::new(
            StatusCode::FORBIDDEN,
            "objects are published to the collection of everything",
        )
        .hint("its alias is `all`; in which others an object then stands follows from what it is"));
    }
    let Call { soc, grant, body, .. } = call;
    let _place = soc.shares.upload(grant.token().id).await?;
    let text = body::whole(body, PUBLISH_BYTES).await?;
    let asked_ms = now_ms();
    let own = soc.node.allow.now();
    let checked = tokio::task::spawn_blocking(move || check(&text, &own)).await;
    let Checked { good, mut failures } = checked.map_err(|_| Problem::stopping())??;
    let mut successes = Vec::new();
    for record in good {
        let (details, texts): (Vec<_>, Vec<_>) = record.into_iter().unzip();
        let (reply, answer) = oneshot::channel();
        let input = Input::Publish { objects: texts, reply };
        soc.node.driver.send(input).await.map_err(|_| Problem::stopping())?;
        match answer.await.map_err(|_| Problem::stopping())? {
            Ok(published) => {
                tracing::info!(token = grant.token().terms.name, record = %published.record, objects = published.objects, "published");
                successes.extend(details);
            }
            Err(fault) if successes.is_empty() && is_of_the_node(&fault) => {
                let error = safe(&fault.to_string(), MESSAGE);
                return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, error)
                    .hint("nothing was published; publishing the same objects again is safe"));
            }
            Err(fault) => {
                let message = safe(&fault.to_string(), MESSAGE);
                failures
                    .extend(details.into_iter().map(|one| Detail { message: Some(message.clone()), ..one }));
            }
        }
    }
    let id = status_id()?;
    let status = Status {
        id: id.clone(),
        status: "complete",
        request_timestamp: stamp::of_ms(asked_ms),
        total_count: successes.len() + failures.len(),
        success_count: successes.len(),
        successes,
        failure_count: failures.len(),
        failures,
        pending_count: 0,
        pendings: [],
    };
    // Text keys alone: it always serialises.
    let body = Bytes::from(serde_json::to_vec(&status).unwrap_or_default());
    soc.statuses.keep(id, grant.token().id, body.clone());
    let mut response: Response = bytes(body, TAXII);
    *response.status_mut() = StatusCode::ACCEPTED;
    Ok(response)
}

/// Whether other objects would have fared no better.
fn is_of_the_node(fault: &PublishFault) -> bool {
    !matches!(fault, PublishFault::Object(_) | PublishFault::Tlp { .. } | PublishFault::Body(_))
}

pub(super) async fn status(call: Call<Granted<AnyTaxii>>) -> Answer {
    negotiation::accepts(&call.parts.headers)?;
    let found = call.soc.statuses.find(&call.path("status").to_ascii_lowercase(), call.grant.token().id);
    let found =
        found.ok_or_else(|| Problem::absent("this token has made no such publication, or it is long ago"))?;
    Ok(bytes(found, TAXII))
}

fn status_id() -> Result<String, Problem> {
    let mut random = [0; 16];
    getrandom::fill(&mut random)
        .map_err(|_| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "the system gave no random bytes"))?;
    Ok(uuid(random))
}

/// Objects that may be published, by the record that they make; and those that may not.
struct Checked {
    good: Vec<Vec<(Detail, Box<RawValue>)>>,
    failures: Vec<Detail>,
}

fn check(text: &[u8], own: &AllowList) -> Result<Checked, Problem> {
    // Serde would read a list as an envelope without names.
    if text.trim_ascii_start().first() != Some(&b'{') {
        return Err(Problem::bad("this is no TAXII envelope, which begins with `{`"));
    }
    let envelope: Envelope = serde_json::from_slice(text).map_err(|e| {
        Problem::bad("this is no JSON of a TAXII envelope").hint(safe(&e.to_string(), MESSAGE))
    })?;
    if envelope.objects.is_empty() {
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "the envelope holds no `objects`"));
    }
    let mut checked = Checked { good: Vec::new(), failures: Vec::new() };
    let mut bytes = 0;
    for object in envelope.objects {
        match fault(object.get(), own) {
            Some(message) => checked.failures.push(detail(object.get(), Some(message))),
            None => {
                let is_full = |record: &Vec<_>| record.len() == BODY_OBJECTS;
                if bytes + object.get().len() > RECORD_TEXT_BYTES || checked.good.last().is_none_or(is_full) {
                    checked.good.push(Vec::new());
                    bytes = 0;
                }
                bytes += object.get().len();
                if let Some(record) = checked.good.last_mut() {
                    record.push((detail(object.get(), None), object));
                }
            }
        }
    }
    Ok(checked)
}

/// Why an object may not be published: what would harm whoever trusts it can be insisted upon by an operator alone, who says why.
fn fault(text: &str, own: &AllowList) -> Option<String> {
    let object = match validate(text) {
        Ok(object) => object,
        Err(fault) => return Some(safe(&fault.to_string(), MESSAGE)),
    };
    if object.tlp() > Tlp::Amber {
        return Some(format!(
            "TLP:{} may not go to every member: share it by other means",
            object.tlp().word().to_uppercase()
        ));
    }
    if let Some(harm) = caution::of(&object, own).into_iter().find(|one| one.weight == Weight::Harm) {
        let fault = format!(
            "{}: {}; if it is meant all the same, an operator publishes it with `certmesh publish --force`",
            harm.value, harm.why
        );
        return Some(safe(&fault, MESSAGE));
    }
    // What alone could be too long for a record.
    let fits = text.len() <= RECORD_TEXT_BYTES || PackedBody::pack(&[text]).is_ok();
    (!fits).then(|| "it is too long for a record".to_owned())
}

fn detail(text: &str, message: Option<String>) -> Detail {
    let read = Object::read(text).ok();
    let version = read.as_ref().and_then(Object::modified).map(stamp::of_version);
    Detail {
        id: read.map_or_else(|| stated_id(text), |object| object.id().to_owned()),
        version: version.unwrap_or_else(|| stamp::of_ms(now_ms())),
        message,
    }
}

/// What something that is no object calls itself.
fn stated_id(text: &str) -> String {
    #[derive(Deserialize)]
    struct Stated {
        id: Option<String>,
    }
    let stated = serde_json::from_str::<Stated>(text).ok().and_then(|stated| stated.id);
    stated.map_or_else(|| "unknown".to_owned(), |id| safe(&id, 256))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"{"type":"identity","spec_version":"2.1","id":"identity--00000000-0000-4000-8000-000000000001","created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z","name":"x"}"#;

    fn sorted(envelope: &str) -> Result<Checked, Problem> {
        check(envelope.as_bytes(), &AllowList::read("198.51.100.0/24").unwrap())
    }

    #[test]
    fn what_would_harm_others_is_refused_by_name() {
        let indicator = |value: &str| {
            let pattern = format!("[ipv4-addr:value = '{value}']");
            format!(
                r#"{{"type":"indicator","spec_version":"2.1","id":"indicator--00000000-0000-4000-8000-000000000001","created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z","valid_from":"2026-01-01T00:00:00.000Z","pattern_type":"stix","pattern":"{pattern}"}}"#
            )
        };
        let objects = ["10.0.0.1", "8.8.8.8", "198.51.100.9", "203.0.113.7"].map(indicator).join(",");
        let checked = sorted(&format!(r#"{{"objects":[{objects}]}}"#)).unwrap();
        assert_eq!(checked.good.iter().map(Vec::len).sum::<usize>(), 1);
        let said: Vec<_> = checked.failures.iter().filter_map(|one| one.message.as_deref()).collect();
        for (said, words) in said.iter().zip(["10.0.0.1: it is", "a public resolver", "among your own"]) {
            assert!(said.contains(words) && said.contains("--force"), "{said}");
        }
        assert_eq!(said.len(), 3);
    }

    #[test]
    fn junk_is_refused_by_itself() {
        let red = GOOD.replacen(
            "\"name\"",
            "\"object_marking_refs\":[\"marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1\"],\"name\"",
            1,
        );
        let junk =
            format!(r#"{{"objects":[{GOOD},1,null,{{}},{{"id":5}},{{"id":"x\u001b"}},{red},{GOOD}]}}"#);
        let checked = sorted(&junk).unwrap();
        assert_eq!(checked.good.iter().map(Vec::len).collect::<Vec<_>>(), [2]);
        assert_eq!(checked.failures.len(), 6);
        assert!(checked.failures.iter().all(|one| one.message.is_some() && !one.id.contains('\u{1b}')));
        assert!(checked.failures[5].message.as_ref().unwrap().contains("TLP:RED"));
        for (text, status) in
            [("", 400), ("[]", 400), ("{\"objects\":1}", 400), ("{}", 422), ("{\"objects\":[]}", 422)]
        {
            let refused = sorted(text).map(|_| ()).unwrap_err();
            assert_eq!(refused.status().as_u16(), status, "{text}");
        }
    }

    #[test]
    fn an_envelope_of_crumbs_is_refused_whole() {
        let crumbs = |count: usize| format!(r#"{{"objects":[{}]}}"#, vec!["1"; count].join(","));
        assert_eq!(sorted(&crumbs(ENVELOPE_OBJECTS)).unwrap().failures.len(), ENVELOPE_OBJECTS);
        let refused = sorted(&crumbs(ENVELOPE_OBJECTS + 1)).map(|_| ()).unwrap_err();
        assert_eq!(refused.status().as_u16(), 400);
    }

    #[test]
    fn records_stay_small() {
        let many = vec![GOOD; 2 * RECORD_TEXT_BYTES / GOOD.len() + 2].join(",");
        let checked = sorted(&format!("{{\"objects\":[{many}]}}")).unwrap();
        assert_eq!(checked.good.len(), 3);
        let text = |record: &Vec<(Detail, Box<RawValue>)>| {
            record.iter().map(|(_, text)| text.get().len()).sum::<usize>()
        };
        assert!(checked.good.iter().all(|record| text(record) <= RECORD_TEXT_BYTES));
    }
}
