//! What each list looks like, and that a hostile value can't break out of its line.

mod objects;
mod readers;

use proptest::prelude::*;

use super::{Feed, Head, Row, Source};
use crate::tlp::Tlp;

/// A row with everything in it.
fn row<'a>(kind: &'a str, value: &'a str) -> Row<'a> {
    Row {
        kind,
        value,
        members: "MY SG",
        confidence: Some(80),
        labels: &[],
        object_id: "indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f",
        tlp: Tlp::Amber,
        first_seen_ms: 1_767_225_600_000,
        changed_ms: 1_767_312_000_000,
        valid_until_ms: Some(1_798_761_600_000),
        name: Some("a loader's home"),
    }
}

const HEAD: Head<'static> = Head { mesh: "asean", exercise: false, cut_off_since_ms: None, serial: 42 };

/// What the lists are made of here: good values, and values that try to be more than one.
const VALUES: [(&str, &str); 42] = [
    ("autonomous-system", "64496"),
    ("certificate-sha1", "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
    ("domain-name", "evil.example"),
    ("domain-name", "com"),
    ("domain-name", "*.example"),
    ("domain-name", "evil.example CNAME rpz-passthru."),
    ("domain-name", "32.8.8.8.8.rpz-ip"),
    ("domain-name", "evil.example\nbank.example"),
    ("domain-name", "evil.example\tbank.example"),
    ("domain-name", "a\",b.example"),
    ("email-addr", "joe@evil.example"),
    ("file-md5", "d41d8cd98f00b204e9800998ecf8427e"),
    ("file-md5", "d41d8cd98f00b204e9800998ecf8427e0"),
    ("file-name", "=cmd|' /C calc'!A0"),
    ("file-name", "-"),
    ("file-name", "#fields"),
    ("file-name", "C:\\x41.exe"),
    ("file-name", "gpj.\u{202e}exe"),
    ("file-name", "a,\"b\",c"),
    ("file-name", "<script>alert(1)</script>"),
    ("file-sha1", "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
    ("file-sha256", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ("ipv4-addr", "203.0.113.7"),
    ("ipv4-addr", "203.0.113.0/24"),
    ("ipv4-addr", "203.0.113.7 any (msg:\"x\"; sid:1;)"),
    ("ipv6-addr", "2001:db8::1"),
    ("ipv6-addr", "2001:db8::/32"),
    ("ipv6-addr", "::ffff:0:0/96"),
    ("ipv6-addr", "2001:db8:0:1:0:0:0:1"),
    ("mac-addr", "aa:bb:cc:00:11:22"),
    ("mutex", "Global\\{7A3F}"),
    ("software-name", "(empty)"),
    ("url", "http://evil.example"),
    ("url", "https://evil.example/a?b=c;d=\"e\"&f=|41|#top"),
    ("url", "http://203.0.113.7:8080/x"),
    ("url", "http://*.example/"),
    ("url", "http://evil.example/a b"),
    ("url", "*"),
    ("user-account", "root"),
    ("windows-registry-key", "HKLM\\Software\\Evil"),
    ("app:id", "@SUM(1+1)"),
    ("x-unheard:of", ""),
];

/// A list of these rows, and how many of them it has.
fn list<'a>(feed: Feed, head: &Head<'_>, rows: impl IntoIterator<Item = Row<'a>>) -> (String, usize) {
    let Source::Rows(mut writer) = feed.source() else { panic!("{feed} is not made of rows") };
    let mut text = String::new();
    writer.begin(head, &mut text);
    let wanted = |row: &Row<'_>| feed.kinds().is_empty() || feed.kinds().contains(&row.kind);
    let taken = rows.into_iter().filter(wanted).filter(|row| writer.row(row, &mut text)).count();
    writer.end(&mut text);
    (text, taken)
}

/// The lists that are made of rows.
fn row_feeds() -> impl Iterator<Item = Feed> {
    Feed::all().filter(|feed| matches!(feed.source(), Source::Rows(_)))
}

#[test]
fn every_list_as_it_is_read() {
    for feed in row_feeds() {
        let rows = VALUES.iter().map(|(kind, value)| row(kind, value));
        let (text, taken) = list(feed, &HEAD, rows);
        assert_eq!(readers::read(feed, &text).len(), taken, "{feed}\n{text}");
        // Snapshots show line ends and tabs.
        let shown = text.replace('\t', "→").replace("\r\n", "␍\n");
        insta::assert_snapshot!(format!("list-{}", feed.name().replace('/', "-")), shown);
    }
}

#[test]
fn fixed_lists_as_they_are_read() {
    for feed in Feed::all() {
        if let Source::Fixed(text) = feed.source() {
            insta::assert_snapshot!(format!("list-{}", feed.name().replace('/', "-")), text(&HEAD));
        }
    }
}

#[test]
fn a_list_says_when_it_is_old_or_an_exercise() {
    let head = Head { exercise: true, cut_off_since_ms: Some(1_767_225_600_000), ..HEAD };
    for feed in [Feed::Domains, Feed::Zeek, Feed::Rpz, Feed::SuricataRules, Feed::SuricataReputation] {
        let (text, _) = list(feed, &head, []);
        let said = |words: &str| text.lines().take(2).any(|line| line.contains(words));
        assert!(said("EXERCISE") && said("2026-01-01T00:00:00Z"), "{feed}: {text}");
        assert!(readers::read(feed, &text).is_empty(), "{feed}: {text}");
    }
}

/// A list of all [`VALUES`], or what stands in its place whatever the values are; nothing if it is made of objects.
fn whole(feed: Feed, head: &Head<'_>) -> Option<String> {
    match feed.source() {
        Source::Rows(_) => Some(list(feed, head, VALUES.iter().map(|(kind, value)| row(kind, value))).0),
        Source::Fixed(text) => Some(text(head)),
        Source::Objects => None,
    }
}

#[test]
fn a_list_of_an_exercise_never_looks_like_a_live_one() {
    let exercise = Head { exercise: true, ..HEAD };
    for feed in Feed::all() {
        let (Some(live), Some(text)) = (whole(feed, &HEAD), whole(feed, &exercise)) else { continue };
        assert!(!live.contains("EXERCISE"), "{feed}: {live}");
        // The one format that has room for nothing but its values: only rules that say EXERCISE look into it.
        assert_eq!(text.contains("EXERCISE"), feed != Feed::SuricataDomains, "{feed}: {text}");
        if let Source::Rows(_) = feed.source() {
            assert_eq!(
                readers::read(feed, &text),
                readers::read(feed, &live),
                "{feed} holds the same values"
            );
        }
    }
}

#[test]
fn an_alert_of_an_exercise_says_so_by_itself() {
    let exercise = Head { exercise: true, ..HEAD };
    let lines = |feed: Feed| whole(feed, &exercise).unwrap();
    for feed in [Feed::SuricataRules, Feed::SuricataSetRules] {
        let text = lines(feed);
        let mut rules = text.lines().filter(|line| !line.starts_with('#'));
        assert!(rules.all(|rule| rule.contains("(msg:\"EXERCISE, certmesh")), "{feed}: {text}");
    }
    let zeek = lines(Feed::Zeek);
    let mut rows = zeek.lines().filter(|line| !line.starts_with('#'));
    assert!(rows.all(|row| row.contains("\tEXERCISE, certmesh MY SG\t")), "{zeek}");
    let csv = lines(Feed::Csv);
    let columns = csv.lines().next().unwrap();
    assert!(columns.ends_with(",object_id,exercise"), "{columns}");
    assert!(csv.lines().skip(1).all(|line| line.ends_with(",EXERCISE")), "{csv}");
}

#[test]
fn names_find_their_lists() {
    for feed in Feed::all() {
        assert_eq!(feed.name().parse(), Ok(feed));
        assert!(feed.kinds().is_sorted(), "{feed}");
    }
    assert!("nothing.txt".parse::<Feed>().is_err());
}

#[test]
fn rule_numbers_are_stable_and_unique() {
    let names: Vec<_> = (0..2_000).map(|n| format!("n{n}.example")).collect();
    let rows = |names: &'_ [String]| -> Vec<String> {
        let rows = names.iter().map(|name| row("domain-name", name));
        let (text, _) = list(Feed::SuricataRules, &HEAD, rows);
        text.lines().map(str::to_owned).collect()
    };
    let (all, fewer) = (rows(&names), rows(&names[1_000..]));
    assert_eq!(all[3_000..], fewer);
    let sid = |rule: &String| rule.split("sid:").nth(1).unwrap().split(';').next().unwrap().to_owned();
    let sids: std::collections::BTreeSet<_> = all.iter().map(sid).collect();
    assert_eq!(sids.len(), all.len());
}

proptest! {
    #[test]
    fn no_text_breaks_out_of_its_line(
        value in ".{0,40}",
        prefix in prop::sample::select(vec!["", "http://evil.example/", "evil", "203.0.113.7", "2001:db8::", "="]),
        kind in prop::sample::select(VALUES.map(|(kind, _)| kind).to_vec()),
        name in any::<String>(),
        label in any::<String>(),
    ) {
        let (value, labels) = (format!("{prefix}{value}"), [label]);
        for feed in row_feeds() {
            let hostile = Row { name: Some(&name), labels: &labels, ..row(kind, &value) };
            let (text, taken) = list(feed, &HEAD, [hostile]);
            let read = readers::read(feed, &text);
            prop_assert_eq!(read.len(), taken, "{}: {}", feed, text);
            if let Some(read) = read.first() {
                prop_assert!(readers::says(feed, read, &value), "{feed}: {value:?} reads back as {read:?}");
            }
        }
    }
}
