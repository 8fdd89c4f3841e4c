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
    /// Whether it has one column more, which says of each object that it is of an exercise.
    Csv(bool),
    /// With what it states before the first object.
    Stix(Bundle, Option<&'static str>),
}

impl Printer {
    pub(super) fn csv(is_of_exercise: bool) -> Self {
        Self::Csv(is_of_exercise)
    }

    pub(super) fn stix(is_of_exercise: bool) -> Self {
        let statement = is_of_exercise.then_some("EXERCISE: nothing in this bundle is real");
        Self::Stix(Bundle::default(), statement)
    }

    pub(super) fn begin(&mut self, session: &mut Session) -> io::Result<()> {
        let mut text = String::new();
        match self {
            Self::Json => {}
            Self::Csv(is_of_exercise) => {
                csv_line(COLUMNS.into_iter().chain(is_of_exercise.then_some("exercise")), &mut text);
            }
            Self::Stix(bundle, statement) => {
                bundle.begin(&bundle_id(&time::now_ms().to_be_bytes()), &mut text);
                statement.iter().for_each(|statement| bundle.state(statement, &mut text));
            }
        }
        session.bytes(text.as_bytes())
    }

    pub(super) fn object(&mut self, line: &ObjectLine, session: &mut Session) -> io::Result<()> {
        let mut text = String::new();
        match self {
            Self::Json => return session.json_line(line),
            Self::Csv(is_of_exercise) => csv(line, *is_of_exercise, &mut text),
            Self::Stix(bundle, _) => {
                if let Ok(object) = Object::read(line.object.get()) {
                    bundle.object(&object, &mut text);
                }
            }
        }
        session.bytes(text.as_bytes())
    }

    pub(super) fn end(&mut self, session: &mut Session) -> io::Result<()> {
        let mut text = String::new();
        if let Self::Stix(bundle, _) = self {
            bundle.end(&mut text);
        }
        session.bytes(text.as_bytes())
    }
}

fn csv(line: &ObjectLine, is_of_exercise: bool, text: &mut String) {
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
        ]
        .into_iter()
        .chain(is_of_exercise.then_some("EXERCISE")),
        text,
    );
}
