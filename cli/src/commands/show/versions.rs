//! All versions of an object, as a table, where there are several.

use certmesh_api::ObjectLine;
use certmesh_intel::Object;
use certmesh_intel::display::safe;

use crate::objects::publisher;
use crate::session::Session;
use crate::table::{short, table};
use crate::time;

pub(super) fn print(versions: &[ObjectLine], session: &mut Session) -> std::io::Result<()> {
    if versions.len() < 2 {
        return Ok(());
    }
    session.line("\nVersions, the latest arrival first")?;
    let rows = table(&["  ARRIVAL", "FROM", "TLP", "MODIFIED", "RECORD", ""], versions.iter().map(row));
    session.line(rows)
}

fn row(line: &ObjectLine) -> Vec<String> {
    let object = Object::read(line.object.get()).ok();
    let modified = object.as_ref().and_then(Object::modified);
    let modified = modified.and_then(|micros| u64::try_from(micros / 1_000).ok());
    let revokes = object.is_some_and(|object| object.is_revoked());
    vec![
        format!("  {}", time::shown(line.arrival)),
        publisher(line),
        safe(&line.tlp, 16),
        modified.map(time::shown).unwrap_or_default(),
        short(&line.record),
        if revokes { "takes it back" } else { "" }.to_owned(),
    ]
}
