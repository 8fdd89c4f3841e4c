//! Whether the record that carries an object is signed as it says, and holds exactly this text: checked here, with
//! nothing but the node's key. That the key is a node of its member is the manifests' word; `certmesh verify` asks them.

use certmesh_api::{Client, ObjectLine, SignedRecord};
use certmesh_intel::display::safe;
use certmesh_wire::{MeshId, NodeId, Parcel, Record};

/// What came of it, in words.
pub(super) async fn check(client: &Client, line: &ObjectLine) -> String {
    match client.record(&line.record).await {
        Ok(signed) => match verify(&signed, line) {
            Ok(()) => "good: that node's key has signed exactly this text".to_owned(),
            Err(why) => format!("NOT GOOD: {why}"),
        },
        Err(error) => format!("not checked: {}", safe(&error.to_string(), 200)),
    }
}

fn verify(signed: &SignedRecord, line: &ObjectLine) -> Result<(), &'static str> {
    let parcel = bytes(&signed.parcel).and_then(|bytes| Parcel::decode(&bytes).ok());
    let parcel = parcel.ok_or("the node sent no record")?;
    let record = Record::decode(parcel.record()).map_err(|_| "the node sent something that is no record")?;
    if record.id().to_string() != line.record {
        return Err("the node sent another record");
    }
    let (mesh, node): (Option<MeshId>, Option<NodeId>) =
        (signed.mesh.parse().ok(), line.node_id.parse().ok());
    let (mesh, node) = mesh.zip(node).ok_or("the node named no mesh or key")?;
    record.verify(mesh, node).map_err(|_| "the signature is not by that node's key")?;
    let (reference, body) = record.header().body.zip(parcel.body()).ok_or("the record's body is not here")?;
    if !reference.matches(body) {
        return Err("the body is not the one that was signed");
    }
    let texts = reference.unpack(body).map_err(|_| "the body can't be read")?;
    // Line breaks between tokens are spaces in what the node tells.
    let holds = texts.iter().any(|text| text.replace(['\n', '\r'], " ") == line.object.get());
    if holds { Ok(()) } else { Err("the record does not hold this text") }
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    let digits = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    hex.len().is_multiple_of(2).then(|| hex.as_bytes().chunks(2).map(digits).collect())?
}
