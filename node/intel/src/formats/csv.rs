//! CSV (RFC 4180), for spreadsheets and whatever else reads nothing better: a header line, then one value a line.
//!
//! A field that a spreadsheet would take for a formula begins with `'` (OWASP, CSV injection).

use crate::display::safe;

use super::{Head, MAX_TEXT, Row, Writer, is_sayable, rfc3339};

/// The columns. Scripts rely on their names and order; what is added comes last.
const COLUMNS: &str = "value,type,members,confidence,labels,tlp,first_seen,valid_until,name,object_id";
/// One more column of an exercise's list, which live ones don't have, and what stands in it on every line.
const EXERCISE: [&str; 2] = [",exercise", ",EXERCISE"];

/// A list, whose lines say whether they are of an exercise.
#[derive(Default)]
pub(super) struct Csv {
    exercise: bool,
}

impl Writer for Csv {
    /// RFC 4180 has no comments: who has to know that a list is old learns it from the answer's header.
    fn begin(&mut self, head: &Head<'_>, out: &mut String) {
        self.exercise = head.exercise;
        out.push_str(COLUMNS);
        self.end_line(EXERCISE[0], out);
    }

    fn row(&mut self, row: &Row<'_>, out: &mut String) -> bool {
        if !is_sayable(row.value) {
            return false;
        }
        let labels: Vec<_> = row.labels.iter().map(|label| safe(label, MAX_TEXT)).collect();
        let fields = [
            row.value,
            row.kind,
            row.members,
            &row.confidence.map(|confidence| confidence.to_string()).unwrap_or_default(),
            &labels.join(";"),
            row.tlp.word(),
            &rfc3339(row.first_seen_ms),
            &row.valid_until_ms.map(rfc3339).unwrap_or_default(),
            &row.name.map(|name| safe(name, MAX_TEXT)).unwrap_or_default(),
            row.object_id,
        ];
        push_fields(fields, out);
        self.end_line(EXERCISE[1], out);
        true
    }
}

impl Csv {
    fn end_line(&self, of_an_exercise: &str, out: &mut String) {
        out.extend([if self.exercise { of_an_exercise } else { "" }, "\r\n"]);
    }
}

/// Appends a line of these fields, which hold no controls.
pub fn csv_line<'a>(fields: impl IntoIterator<Item = &'a str>, out: &mut String) {
    push_fields(fields, out);
    out.push_str("\r\n");
}

fn push_fields<'a>(fields: impl IntoIterator<Item = &'a str>, out: &mut String) {
    for (at, field) in fields.into_iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        push_field(field, out);
    }
}

fn push_field(field: &str, out: &mut String) {
    let is_formula = field.starts_with(['=', '+', '-', '@', '\t', '\r']);
    if !is_formula && !field.contains([',', '"', '\r', '\n']) {
        out.push_str(field);
        return;
    }
    out.push_str(if is_formula { "\"'" } else { "\"" });
    out.push_str(&field.replace('"', "\"\""));
    out.push('"');
}
