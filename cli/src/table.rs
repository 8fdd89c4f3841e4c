//! Tables and lists for people: plain columns, no lines, no colour.

use certmesh_intel::display::safe;
use comfy_table::{Table, presets::NOTHING};

/// The beginning of an id of hexadecimal digits, enough to tell two apart by eye.
pub(crate) fn short(id: &str) -> String {
    safe(id, 64).chars().take(8).collect()
}

/// A table with two spaces between its columns, ready to be printed.
///
/// Cells hold what is safe to show: text of other members passes `certmesh_intel::display::safe` before it comes here.
pub(crate) fn table(head: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(head.to_vec());
    table.add_rows(rows);
    table.column_iter_mut().for_each(|column| {
        column.set_padding((0, 2));
    });
    table.trim_fmt()
}

/// Names with what they stand for, one below the other.
pub(crate) fn list(entries: &[(&str, String)]) -> String {
    let width = entries.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    let lines = entries.iter().map(|(name, value)| format!("{name:width$}  {value}"));
    lines.collect::<Vec<_>>().join("\n")
}

/// `1 record`, `2 records`.
pub(crate) fn count(number: u64, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// `yes` or `no`.
pub(crate) fn yes_no(yes: bool) -> &'static str {
    if yes { "yes" } else { "no" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_align_without_trailing_space() {
        let rows = [vec!["SG".to_owned(), "1".to_owned()], vec!["MYANMAR".to_owned(), String::new()]];
        assert_eq!(table(&["FROM", "N"], rows), "FROM     N\nSG       1\nMYANMAR");
        assert_eq!(list(&[("a", "1".into()), ("long", "2".into())]), "a     1\nlong  2");
    }
}
