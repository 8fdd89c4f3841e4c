//! Collections, as SOC tools page through them.

use std::collections::{BTreeMap, BTreeSet};

use certmesh_engine::store::Store;
use certmesh_engine::{Collection, ObjectFamily, Reader, Selection, StoredObject, Versions, collected};

use crate::mesh::{MY, Peer};
use crate::world::{NOW_MS, code, id};
use crate::{Case, cases, texts};

/// All of a collection, a few a page.
pub(crate) fn collect(
    store: &dyn Store,
    reader: &Reader,
    of: &Collection,
    selection: &Selection,
) -> Vec<StoredObject> {
    let (mut found, mut after) = (Vec::new(), 0);
    loop {
        let page = collected(store, reader, of, selection, after, 3).unwrap();
        assert!(page.objects.iter().all(|object| object.arrival > after && object.arrival <= page.next));
        found.extend(page.objects);
        after = page.next;
        if !page.more {
            assert!(found.windows(2).all(|pair| pair[0].arrival < pair[1].arrival), "in order of arrival");
            return found;
        }
    }
}

#[test]
fn collections_hold_what_they_should_once() {
    cases(|case| {
        let mut collections = vec![Collection::All];
        collections.extend(ObjectFamily::ALL.map(Collection::Family));
        collections.extend((0..3).map(|at| Collection::Member(code(at))));
        let times = vec![1_672_531_200_000_000, 1_640_995_200_000_000];
        let of_versions = [Versions::Newest, Versions::All, Versions::Oldest, Versions::At(times)];
        let asked = Case::readers().flat_map(|reader| of_versions.iter().map(move |it| (reader, it)));
        for (reader, of_versions) in asked {
            for collection in &collections {
                let mut selection = Selection { versions: of_versions.clone(), ..Selection::default() };
                let wanted = case.plain.collected(&reader, collection, of_versions);
                let context = format!("seed {}, {collection:?}, {of_versions:?} for {reader:?}", case.seed);
                assert_eq!(
                    texts(collect(case.store(), &reader, collection, &selection)),
                    wanted,
                    "{context}"
                );

                selection.ids = vec![id("indicator", 1), id("report", 2), id("indicator", 1), "x".into()];
                let of_ids = |json: &&String| {
                    selection.ids[..2].iter().any(|id| json.contains(&format!("\"id\":\"{id}\"")))
                };
                let some: BTreeSet<_> = wanted.iter().filter(of_ids).cloned().collect();
                let found = collect(case.store(), &reader, collection, &selection);
                assert_eq!(texts(found), some, "{context}, by id");

                selection.types = vec!["indicator".into(), "domain-name".into(), "indicator".into()];
                selection.ids.clear();
                let of_types = |json: &&String| {
                    selection.types.iter().any(|it| json.contains(&format!("\"type\":\"{it}\"")))
                };
                let some: BTreeSet<_> = wanted.iter().filter(of_types).cloned().collect();
                let found = collect(case.store(), &reader, collection, &selection);
                assert_eq!(texts(found), some, "{context}, by type");
            }
        }
    });
}

#[test]
fn who_polls_misses_nothing_and_sees_nothing_twice() {
    cases(|case| {
        let collections = [Collection::All, Collection::Member(code(0)), Collection::Member(code(2))];
        let reader = Reader::operator(0);
        let mut peer = Peer::new(MY);
        peer.now_ms = NOW_MS;
        let mut cursors = [0; 3];
        let mut seen: [BTreeMap<u64, String>; 3] = Default::default();
        let mut poll = |peer: &Peer| {
            for ((collection, cursor), seen) in collections.iter().zip(&mut cursors).zip(&mut seen) {
                let selection = Selection::default();
                loop {
                    let page = collected(peer.store(), &reader, collection, &selection, *cursor, 2).unwrap();
                    for object in page.objects {
                        assert!(seen.insert(object.arrival, object.json).is_none(), "twice");
                    }
                    *cursor = page.next;
                    if !page.more {
                        break;
                    }
                }
            }
        };
        case.story.tell(&mut peer, &mut case.chance, |peer| poll(peer));
        for (collection, seen) in collections.iter().zip(&seen) {
            for object in collect(peer.store(), &reader, collection, &Selection::default()) {
                assert_eq!(
                    seen.get(&object.arrival),
                    Some(&object.json),
                    "seed {}, {collection:?}",
                    case.seed
                );
            }
        }
    });
}
