//! What must hold of any bytes: no panic, and what a reader promises of what it accepts.

use certmesh_intel::allow::AllowList;
use certmesh_intel::bundle::{Cut, Cutter};
use certmesh_intel::compose::{Notice, compose};
use certmesh_intel::formats::{Feed, Head, Row, Source};
use certmesh_intel::pattern::{self, Term};
use certmesh_intel::recognise::recognise;
use certmesh_intel::{
    Object, Question, Tlp, bundle, caution, display, mark, observable, timestamp, validate,
};

/// A test of some bytes, which panics when something does not hold.
pub type Target = fn(&[u8]);

/// Every target by its name.
pub const TARGETS: [(&str, Target); 7] = [
    ("pattern", pattern),
    ("object", object),
    ("bundle", bundle),
    ("question", question),
    ("value", value),
    ("feed", feed),
    ("marking", marking),
];

/// The target of this name.
#[must_use]
pub fn named(name: &str) -> Option<Target> {
    TARGETS.iter().find(|(known, _)| *known == name).map(|(_, target)| *target)
}

/// All names, for a person.
#[must_use]
pub fn names() -> String {
    TARGETS.map(|(name, _)| name).join(", ")
}

/// What is text at the beginning of the bytes.
fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap_or_else(|error| text(&bytes[..error.valid_up_to()]))
}

/// A printed pattern is the same pattern, a fault has a place in the text, and both readings see the same terms.
fn pattern(bytes: &[u8]) {
    let text = text(bytes);
    let terms: Vec<_> = pattern::terms(text).collect();
    assert!(terms.iter().map(|term| term.values.len()).sum::<usize>() <= pattern::MAX_VALUES);
    match pattern::parse(text) {
        Ok(parsed) => {
            let printed = parsed.to_string();
            let again = pattern::parse(&printed).unwrap_or_else(|fault| panic!("{printed}: {fault}"));
            assert_eq!(again, parsed);
            assert_eq!(again.to_string(), printed);
            let same: Vec<Term<'_>> = pattern::terms(&printed).collect();
            assert_eq!(same, terms, "{printed}");
        }
        Err(fault) => {
            assert!(text.is_char_boundary(fault.offset) && fault.line > 0 && fault.column > 0);
            assert!(fault.problem.chars().count() < 400, "{fault}");
        }
    }
}

/// What may be published is an object on every node, everything read of an object has its limits, and whatever it speaks
/// of is found by asking for it.
fn object(bytes: &[u8]) {
    let text = text(bytes);
    let published = validate::validate(text).map_err(|fault| fault.to_string());
    let Ok(object) = Object::read(text) else {
        assert!(published.is_err_and(|fault| fault.chars().count() < 1_000));
        return;
    };
    assert_eq!(object.json(), text);
    assert!(object.tlp() >= object.own_tlp().unwrap_or(Tlp::Clear));
    facts(&object);
    for mention in observable::of(&object) {
        assert_eq!(display::safe(&mention.observable.kind, 128), mention.observable.kind, "{mention:?}");
        let question = Question::read(&mention.observable.value);
        assert!(question.exact().contains(&mention.observable.key()), "{mention:?}");
    }
    marked(text, &object);
}

fn facts(object: &Object<'_>) {
    let _ = (
        object.modified(),
        object.valid_from(),
        object.valid_until(),
        object.first_seen(),
        object.last_seen(),
    );
    let _ = (object.labels(), object.techniques(), object.indicator_types(), object.references());
    let _ = (object.sighting(), object.opinion(), object.relationship(), object.confidence());
    assert!(object.name().is_none_or(|name| name.chars().count() <= 256));
}

/// A marking changes the TLP and nothing else.
fn marked(text: &str, object: &Object<'_>) {
    let Ok(Some(marked)) = mark::mark(text, Tlp::Red) else {
        return;
    };
    let read = Object::read(&marked).unwrap_or_else(|fault| panic!("{marked}: {fault}"));
    assert_eq!((read.tlp(), read.id(), read.name()), (Tlp::Red, object.id(), object.name()));
}

/// Every object of a file is a part of it, and one that comes in pieces is cut alike.
fn bundle(bytes: &[u8]) {
    let text = text(bytes);
    let whole = bundle::read(text).map(|objects| objects.into_iter().map(str::to_owned).collect::<Vec<_>>());
    assert_eq!(cut(text, text.len()), whole.clone().map_err(|fault| fault.to_string()));
    if let (Ok(whole), Ok(pieces)) = (&whole, cut(text, text.len() / 2)) {
        assert_eq!(&pieces, whole);
    }
    let Ok(objects) = bundle::read(text) else {
        return;
    };
    assert!(!objects.is_empty() && objects.len() <= bundle::MAX_OBJECTS);
    let mut end = 0;
    for object in &objects {
        let start = object.as_ptr() as usize - text.as_ptr() as usize;
        assert!(end <= start && text.get(start..start + object.len()) == Some(object));
        end = start + object.len();
    }
    let _ = validate::validate_all(&objects).map_err(|fault| fault.to_string());
}

/// The objects of a text that comes in pieces of 7 bytes.
fn cut(text: &str, longest: usize) -> Result<Vec<String>, String> {
    let (mut cutter, mut pieces, mut objects) = (Cutter::new(longest), text.as_bytes().chunks(7), Vec::new());
    loop {
        match cutter.cut().map_err(|fault| fault.to_string())? {
            Cut::Object(object) => objects.push(object),
            Cut::End => return Ok(objects),
            Cut::More => match pieces.next() {
                Some(piece) => cutter.push(piece),
                None => cutter.end(),
            },
        }
    }
}

/// A question has few keys, each once, and what contains and is contained is something else than the value itself.
fn question(bytes: &[u8]) {
    let question = Question::read(text(bytes));
    let exact = question.exact();
    assert!(exact.len() <= 8 && (1..exact.len()).all(|place| !exact[..place].contains(&exact[place])));
    assert!(question.wider().all(|key| !exact.contains(&key)));
    if let Some((from, to)) = question.narrower() {
        assert!(from < to && exact.iter().all(|key| *key < from || to <= *key));
    }
}

/// What a typed value is recognised as can be published, and is found by typing it again.
fn value(bytes: &[u8]) {
    let text = text(bytes);
    let _ = (AllowList::read(text).map_err(|fault| fault.to_string()), text.parse::<Feed>().is_ok());
    let recognised = recognise(text).map_err(|fault| assert!(fault.to_string().chars().count() < 1_000));
    let Ok(recognised) = recognised else {
        return;
    };
    if let Some(pattern) = recognised.pattern() {
        pattern::parse(&pattern).unwrap_or_else(|fault| panic!("{pattern}: {fault}"));
    }
    let observable = recognised.observable();
    let key = observable.key();
    assert!(Question::read(text).exact().contains(&key) || text.contains(':'), "{observable:?}");
    assert!(Question::read(recognised.value()).exact().contains(&key), "{observable:?}");
    let _ = caution::about(&observable, &AllowList::default());
    let notice = Notice {
        author: None,
        now_ms: 1_700_000_000_000,
        tlp: Tlp::Green,
        labels: Vec::new(),
        confidence: None,
        valid_until_ms: None,
        note: None,
    };
    let mut count = 0;
    let objects = compose(&[recognised], &notice, &mut || {
        count += 1;
        [count; 16]
    });
    let texts: Vec<_> = objects.iter().map(String::as_str).collect();
    validate::validate_all(&texts).unwrap_or_else(|fault| panic!("{texts:?}: {fault}"));
}

/// Whatever a row holds, a list stays what its tool reads: a row that can't be said adds nothing, one that can adds lines
/// that nothing in it has broken.
fn feed(bytes: &[u8]) {
    let mut parts = text(bytes).split('\n');
    let mut next = || parts.next().unwrap_or_default();
    let (kind, value, name, label) = (next(), next(), next(), next());
    let row = Row {
        kind: &display::safe(kind, 128),
        value,
        members: "KH SG",
        confidence: Some(80),
        labels: &[label.to_owned()],
        object_id: "indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f",
        tlp: Tlp::Green,
        first_seen_ms: bytes.len() as u64,
        changed_ms: u64::MAX - bytes.len() as u64,
        valid_until_ms: None,
        name: Some(name),
    };
    let head = Head { mesh: name, exercise: true, cut_off_since_ms: Some(0), serial: 1 };
    for feed in Feed::all() {
        if let Source::Rows(mut writer) = feed.source() {
            let mut out = String::new();
            writer.begin(&head, &mut out);
            let before = out.len();
            let said = writer.row(&row, &mut out);
            assert!(said || out.len() == before, "{feed}: a row that is not said has been written");
            writer.end(&mut out);
            let sound = |c: char| !c.is_control() || c == '\n' || c == '\t' || c == '\r';
            assert!(out.chars().all(sound) && (out.is_empty() || out.ends_with('\n')), "{feed}: {out:?}");
            let odd = out[before..]
                .lines()
                .find(|line| line.is_empty() || (feed != Feed::Csv && line.contains('\r')));
            assert_eq!(odd, None, "{feed}: {out:?}");
        }
    }
}

/// Small readers: TLP words and ids, times, and what makes foreign text safe to show.
fn marking(bytes: &[u8]) {
    let text = text(bytes);
    if let Ok(tlp) = text.parse::<Tlp>() {
        assert_eq!(tlp.word().parse(), Ok(tlp));
    }
    assert!(Tlp::from_marking_id(text).is_none() || text.len() == Tlp::Red.marking_id().len());
    assert!(!timestamp::is_utc(text) || timestamp::micros(text).is_some());
    let shown = display::safe(text, 100);
    assert!(shown.chars().count() <= 100 && !shown.contains(char::is_control));
    assert_eq!(display::safe(&shown, 100), shown);
}
