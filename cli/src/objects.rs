//! Objects as people see them: a row in a table, or a line as it arrives.

use certmesh_api::ObjectLine;
use certmesh_intel::Object;
use certmesh_intel::display::safe;

use crate::time;

/// Room for a name or pattern in a table, in characters.
const NAME: usize = 48;
/// Room for a type: `x-` types of others can be long.
const TYPE: usize = 24;
/// Room for an id, which is whole up to here so that it can be copied.
const ID: usize = 96;

/// The heads of [`row`]'s columns.
pub(crate) const HEAD: [&str; 6] = ["ARRIVAL", "FROM", "TLP", "TYPE", "NAME", "ID"];

/// An object as a row of a table.
pub(crate) fn row(line: &ObjectLine) -> Vec<String> {
    let object = Object::read(line.object.get()).ok();
    let (kind, id) = object.as_ref().map_or(("?", ""), |object| (object.object_type(), object.id()));
    vec![
        time::shown(line.arrival),
        publisher(line),
        safe(&line.tlp, 16),
        safe(kind, TYPE),
        object.as_ref().and_then(Object::name).map(|name| shortened(&name)).unwrap_or_default(),
        safe(id, ID),
    ]
}

/// Who published it, and whether that is no longer as it was.
pub(crate) fn publisher(line: &ObjectLine) -> String {
    let member = safe(&line.member, 8);
    match &line.standing {
        Some(standing) => format!("{member} ({})", safe(standing, 16)),
        None => member,
    }
}

/// A name that is safe already, cut to its column. An escape that is cut through is still only text.
fn shortened(name: &str) -> String {
    match name.char_indices().nth(NAME) {
        Some(_) => name.chars().take(NAME - 1).chain(['…']).collect(),
        None => name.to_owned(),
    }
}

/// An object as a line of its own, in columns that hold without knowing what comes next.
pub(crate) fn line(line: &ObjectLine) -> String {
    let [arrival, from, tlp, kind, name, id] = row(line).try_into().unwrap_or_default();
    format!("{arrival}  {from:<2}  {tlp:<12}  {kind:<16}  {id}  {name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrived(object: &str) -> ObjectLine {
        ObjectLine {
            arrival: 86_400_000,
            member: "SG".into(),
            standing: None,
            node_id: "00".repeat(32),
            record: "11".repeat(32),
            tlp: "green".into(),
            exercise: false,
            cursor: None,
            object: serde_json::value::RawValue::from_string(object.to_owned()).unwrap(),
        }
    }

    #[test]
    fn rows_hold_safe_and_short_text() {
        let id = "tool--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f";
        let long = "x".repeat(80);
        let object = format!(r#"{{"type":"tool","id":"{id}","name":"a\u001b[2J{long}"}}"#);
        let row = row(&arrived(&object));
        assert_eq!(row[0..4], ["1970-01-02 00:00:00Z", "SG", "green", "tool"]);
        assert!(row[4].starts_with("a\\u{1b}[2Jxx") && row[4].ends_with('…'), "{}", row[4]);
        assert_eq!((row[4].chars().count(), &row[5][..]), (NAME, id));
        assert_eq!(super::row(&arrived("[]"))[3], "?");
    }
}
