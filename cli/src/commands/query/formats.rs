//! Objects for programs: a line of JSON each, CSV, or a STIX bundle.

use std::io;

use certmesh_api::ObjectLine;
use certmesh_intel::Object;
use certmesh_intel::display::safe;
use certmesh_intel::formats::{Bundle, bundle_id, csv_line};

use crate::objects::publisher;
use crate::session::Session;
use crate::time;

/// Room for a field, in characters.
const FIELD: usize = 256;
/// The columns of CSV. Scripts rely on their names and order; what is added comes last.
const COLUMNS: [&str; 11] = [
    "id",
    "type",
    "name",
    "member",
    "tlp",
    "confidence",
    "labels",
    "first_seen",
    "valid_until",
    "arrival",
    "record",
];

/// What prints objects one after the other.
pub(super) enum Printer {
    Json,
    Csv,
    Stix(Bundle),
}

impl Printer {
    pub(super) fn csv() -> Self {
        Self::Csv
    }

    pub(super) fn stix() -> Self {
        Self::Stix(Bundle::default())
    }

    pub(super) fn begin(&mut self, session: &mut Session) -> io::Result<()> {
        let mut text = String::new();
        match self {
            Self::Json => {}
            Self::Csv => csv_line(COLUMNS, &mut text),
            Self::Stix(bundle) => bundle.begin(&bundle_id(&time::now_ms().to_be_bytes()), &mut text),
        }
        session.bytes(text.as_bytes())
    }

    pub(super) fn object(&mut self, line: &ObjectLine, session: &mut Session) -> io::Result<()> {
        let mut text = String::new();
        match self {
            Self::Json => return session.json_line(line),
            Self::Csv => csv(line, &mut text),
            Self::Stix(bundle) => {
                if let Ok(object) = Object::read(line.object.get()) {
                    bundle.object(&object, &mut text);
                }
            }
        }
        session.bytes(text.as_bytes())
    }

    pub(super) fn end(&mut self, session: &mut Session) -> io::Result<()> {
        let mut text = String::new();
        if let Self::Stix(bundle) = self {
            bundle.end(&mut text);
        }
        session.bytes(text.as_bytes())
    }
}

fn csv(line: &ObjectLine, text: &mut String) {
    let Ok(object) = Object::read(line.object.get()) else { return };
    let at = |micros: Option<i64>| {
        let ms = micros.and_then(|micros| u64::try_from(micros / 1_000).ok());
        ms.and_then(time::rfc3339).unwrap_or_default()
    };
    let labels: Vec<_> = object.labels().iter().map(|label| safe(label, FIELD)).collect();
    csv_line(
        [
            object.id(),
            object.object_type(),
            &object.name().unwrap_or_default(),
            &publisher(line),
            &safe(&line.tlp, FIELD),
            &object.confidence().map(|confidence| confidence.to_string()).unwrap_or_default(),
            &labels.join(";"),
            &at(object.first_seen().or(object.valid_from()).or(object.modified())),
            &at(object.valid_until()),
            &line.arrival.to_string(),
            &safe(&line.record, FIELD),
        ],
        text,
    );
}
