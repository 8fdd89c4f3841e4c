//! Bare values, published on one node and asked for on another, in whatever shape people write them.

use certmesh_intel::Object;
use certmesh_tests::Mesh;

#[test]
fn values_are_found_on_another_node_however_they_are_written() {
    let mesh = Mesh::raise(2);
    let (here, there) = (&mesh.nodes()[0], &mesh.nodes()[1]);
    let values = [
        ("203.0.113.7", "203[.]0[.]113[.]7"),
        ("evil[.]example", "EVIL.example."),
        ("hxxps://login.evil[.]example/a", "https://LOGIN.evil(dot)example:443/a#top"),
        ("joe[at]evil.example", "Joe@evil[.]example"),
        ("D41D8CD98F00B204E9800998ECF8427F", "d41d8cd98f00b204e9800998ecf8427f"),
        ("HKLM\\Software\\Evil", "hkey_local_machine\\software\\evil"),
        ("mutex:Global\\evil", "Global\\evil"),
    ];
    let mut words = vec!["publish", "--tlp", "green", "--label", "c2", "--valid-for", "30d"];
    words.extend(values.iter().flat_map(|(value, _)| ["--value", value]));
    here.run(words).done();
    // The identity of whose node it is; an indicator, an observable and a relationship for each value.
    mesh.wait_for_objects(1 + 3 * values.len() as u64);
    let identity = here.status().member_identity;
    for (value, asked) in values {
        let found = there.query(&[asked, "--type", "indicator"]);
        assert_eq!(found.len(), 1, "{asked} for {value}");
        let indicator = Object::read(found[0].object.get()).unwrap();
        assert_eq!(indicator.created_by_ref().as_deref(), Some(&*identity));
        assert_eq!(
            (&*found[0].member, &*found[0].tlp, indicator.labels()),
            (here.member(), "green", vec!["c2".to_owned()])
        );
    }
}

#[test]
fn what_would_harm_others_is_published_with_a_reason_only() {
    let mesh = Mesh::raise(2);
    let (here, there) = (&mesh.nodes()[0], &mesh.nodes()[1]);
    let said = here.run(["publish", "--value", "8.8.8.8", "--value", "evil.example"]).refused(1);
    assert!(said.contains("8.8.8.8") && said.contains("--force"), "{said}");
    assert!(here.query(&[]).is_empty(), "half of it was published");
    here.run(["publish", "--value", "8.8.8.8", "--force", "its route is hijacked"]).done();
    mesh.wait_for_objects(5);
    let notes = there.query(&["--type", "note"]);
    let note = Object::read(notes[0].object.get()).unwrap();
    assert!(note.description().unwrap().contains("its route is hijacked"));
    let indicator = there.query(&["8.8.8.8", "--type", "indicator"]);
    let id = Object::read(indicator[0].object.get()).unwrap().id().to_owned();
    assert!(note.references().contains(&("object_refs".to_owned(), id)));
}

#[test]
fn what_is_taken_back_is_gone_on_every_node_and_what_others_say_stays() {
    let mesh = Mesh::raise(2);
    let (here, there) = (&mesh.nodes()[0], &mesh.nodes()[1]);
    here.run(["publish", "--value", "evil.example", "--value", "bad.example"]).done();
    there.run(["publish", "--value", "bad.example"]).done();
    // An identity each, three objects for each value; the observable of bad.example is the same on both.
    mesh.wait_for_objects(10);
    let said = there.run(["revoke", "--value", "evil.example"]).refused(1);
    assert!(said.contains("has published no indicator for evil.example"), "{said}");
    let said = here.run(["revoke", "--value", "evil[.]example", "--value", "bad.example"]).done();
    assert!(said.contains("took back 2 objects"), "{said}");
    mesh.wait_for_objects(12);
    for node in [here, there] {
        assert!(
            node.query(&["evil.example", "--type", "indicator"]).is_empty(),
            "{} shows it",
            node.member()
        );
        let left = node.query(&["bad.example", "--type", "indicator"]);
        assert_eq!((left.len(), &*left[0].member), (1, there.member()));
    }
    here.run(["revoke", "--value", "evil.example"]).refused(1);
}
