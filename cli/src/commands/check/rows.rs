//! What a table says of a value: a row for each object that mentions it.

use std::collections::BTreeMap;

use certmesh_api::{CheckHit, Checked};
use certmesh_intel::display::safe;

/// The heads of the columns.
pub(super) const HEAD: [&str; 7] = ["VALUE", "KNOWN", "BY", "SINCE", "TLP", "CONFIDENCE", "OBJECT"];
/// The most rows for one value.
const HITS: usize = 8;
/// Room for a value in characters.
const VALUE: usize = 72;

/// The rows of one value: at least one.
pub(super) fn rows(checked: &Checked) -> Vec<Vec<String>> {
    let value = safe(&checked.value, VALUE);
    if let Some(error) = &checked.error {
        return vec![words([value, format!("not looked up: {}", safe(error, 80))])];
    }
    if checked.hits.is_empty() {
        return vec![words([value, "no".to_owned()])];
    }
    let mut rows: Vec<_> = shown(&checked.hits).map(row).collect();
    rows[0][0] = value;
    rows.extend(remarks(checked).map(|remark| words([String::new(), remark])));
    rows
}

/// Those that have a row, in their order: of each member one, before anybody has two.
fn shown(hits: &[CheckHit]) -> impl Iterator<Item = &CheckHit> {
    let mut turns = BTreeMap::new();
    let mut places: Vec<_> = hits
        .iter()
        .enumerate()
        .map(|(at, hit)| {
            let turn: &mut usize = turns.entry(&hit.members).or_default();
            *turn += 1;
            (*turn, at)
        })
        .collect();
    places.sort_unstable();
    places.truncate(HITS);
    places.sort_unstable_by_key(|(_, at)| *at);
    places.into_iter().filter_map(|(_, at)| hits.get(at))
}

fn words(first: [String; 2]) -> Vec<String> {
    first.into_iter().chain(std::iter::repeat_n(String::new(), HEAD.len() - 2)).collect()
}

fn row(hit: &CheckHit) -> Vec<String> {
    vec![
        String::new(),
        known(hit),
        safe(&hit.members.join(" "), 60),
        hit.first_seen.as_deref().map(|time| safe(time.get(..10).unwrap_or(time), 10)).unwrap_or_default(),
        safe(&hit.tlp, 16),
        hit.confidence.map(|confidence| confidence.to_string()).unwrap_or_default(),
        safe(&hit.object_id, 96),
    ]
}

/// How it is known, in words.
fn known(hit: &CheckHit) -> String {
    let theirs = safe(&hit.value, VALUE);
    let how = match hit.how.as_str() {
        "exact" => "yes".to_owned(),
        "network" => format!("lies in {theirs}"),
        "inside" => format!("holds {theirs}"),
        "parent" => format!("is below {theirs}"),
        "subdomain" => format!("is above {theirs}"),
        other => safe(other, 20),
    };
    match (hit.partial, hit.object_id.starts_with("indicator--")) {
        (true, true) => format!("{how}, among other conditions"),
        (true, false) => format!("{how}, observed only"),
        (false, _) => how,
    }
}

/// What concerns the value as a whole.
fn remarks(checked: &Checked) -> impl Iterator<Item = String> {
    let more = checked.hits.len().saturating_sub(HITS);
    let more = (more > 0 || checked.capped).then(|| match checked.capped {
        true => "and more than --json shows".to_owned(),
        false => format!("and {more} more: --json"),
    });
    let confirmed = (checked.confirmed_by > 1)
        .then(|| format!("{} members report it independently", checked.confirmed_by));
    let counts = |counts: &BTreeMap<String, u64>| {
        let counts = counts.iter().map(|(member, times)| format!("{} {times}", safe(member, 8)));
        counts.collect::<Vec<_>>().join(", ")
    };
    let sighted = (!checked.sightings.is_empty()).then(|| format!("sighted: {}", counts(&checked.sightings)));
    let doubted = (!checked.false_positives.is_empty())
        .then(|| format!("called a false positive: {}", counts(&checked.false_positives)));
    [more, confirmed, sighted, doubted].into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::table;

    fn hit(how: &str, value: &str, members: &[&str]) -> CheckHit {
        CheckHit {
            how: how.into(),
            member: members[0].into(),
            members: members.iter().map(|member| (*member).to_owned()).collect(),
            tlp: "amber".into(),
            confidence: Some(80),
            first_seen: Some("2026-11-01T08:00:00Z".into()),
            object_id: "indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f".into(),
            kind: "ipv4-addr".into(),
            value: value.into(),
            partial: how == "exact" && members.len() == 1,
            valid_until: None,
            arrival: 1,
            name: None,
        }
    }

    fn checked(value: &str, hits: Vec<CheckHit>) -> Checked {
        Checked {
            value: value.into(),
            known: !hits.is_empty(),
            hits,
            confirmed_by: 2,
            sightings: BTreeMap::from([("MY".into(), 3), ("SG".into(), 1)]),
            false_positives: BTreeMap::from([("VN".into(), 1)]),
            capped: false,
            exercise: false,
            error: None,
        }
    }

    #[test]
    fn nobody_fills_the_table_of_others() {
        let mut hits: Vec<_> = (0..20).map(|_| hit("exact", "203.0.113.7", &["MY"])).collect();
        hits.push(hit("exact", "203.0.113.7", &["SG"]));
        hits.push(hit("network", "203.0.113.0/24", &["VN"]));
        let rows = rows(&checked("203.0.113.7", hits));
        let members: Vec<_> = rows.iter().map(|row| &*row[2]).filter(|member| !member.is_empty()).collect();
        assert_eq!(members, ["MY", "MY", "MY", "MY", "MY", "MY", "SG", "VN"]);
    }

    #[test]
    fn rows_say_how_a_value_is_known() {
        let mut all = rows(&checked(
            "203.0.113.7",
            vec![
                hit("exact", "203.0.113.7", &["MY", "SG"]),
                hit("exact", "203.0.113.7", &["TH"]),
                hit("network", "203.0.113.0/24", &["VN"]),
            ],
        ));
        all.extend(rows(&checked("evil\u{202e}.example", Vec::new())));
        let too_long = Checked { error: Some("it is too long".into()), ..checked("x", Vec::new()) };
        all.extend(rows(&too_long));
        insta::assert_snapshot!(table(&HEAD, all), @r"
        VALUE                 KNOWN                              BY     SINCE       TLP    CONFIDENCE  OBJECT
        203.0.113.7           yes                                MY SG  2026-11-01  amber  80          indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f
                              yes, among other conditions        TH     2026-11-01  amber  80          indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f
                              lies in 203.0.113.0/24             VN     2026-11-01  amber  80          indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f
                              2 members report it independently
                              sighted: MY 3, SG 1
                              called a false positive: VN 1
        evil\u{202e}.example  no
        x                     not looked up: it is too long
        ");
    }
}
