//! Publishing values, as far as it goes without a node: what they are taken for, what is made of them, what is refused.

use certmesh_intel::{Object, Question, Tlp, bundle, observable, validate};

use crate::desk::{Desk, Ran};

/// What is published at a node that is not there.
fn publish(words: &str) -> Ran {
    Desk::new().run(&format!("publish {words} --node none.sock"))
}

#[test]
fn values_become_a_bundle_that_is_sound_and_found() {
    let desk = Desk::new();
    let values = "# from the report\n203.0.113[.]7\n\nevil(dot)example\n203.0.113.7\nD41D8CD98F00B204E9800998ECF8427F\n";
    let words = "publish --values - --value HKLM\\Software\\Evil --tlp green --label c2 --confidence 80 --valid-for 30d --dry-run";
    let ran = desk.run_with(&format!("{words} --node none.sock"), values.as_bytes());
    assert_eq!(ran.code, Some(0), "{ran}");
    let texts = bundle::read(&ran.stdout).unwrap();
    let objects = validate::validate_all(&texts).unwrap();
    let indicators: Vec<_> = objects.iter().filter(|object| object.object_type() == "indicator").collect();
    assert_eq!(
        (indicators.len(), objects.len()),
        (4, 13),
        "an observable and a relationship each, and the marking"
    );
    for asked in [
        "203.0.113.7",
        "Evil.example",
        "d41d8cd98f00b204e9800998ecf8427f",
        "hkey_local_machine\\software\\evil",
    ] {
        let question = Question::read(asked);
        let found = |object: &&Object<'_>| {
            observable::of(object).iter().any(|mention| question.exact().contains(&mention.observable.key()))
        };
        assert_eq!(objects.iter().filter(found).count(), 2, "{asked}");
    }
    for object in indicators {
        assert_eq!((object.own_tlp(), object.confidence()), (Some(Tlp::Green), Some(80)));
        assert_eq!(
            (object.labels(), object.indicator_types()),
            (vec!["c2".into()], vec!["malicious-activity".into()])
        );
        assert_eq!(
            object.valid_until().zip(object.valid_from()).map(|(to, from)| (to - from) / 86_400_000_000),
            Some(30)
        );
    }
}

#[test]
fn what_is_not_recognised_is_refused() {
    insta::assert_snapshot!(
        "not_recognised",
        publish("--value evil.zip --value hello --value evil.example/x")
    );
    assert_eq!(publish("--value domain-name:evil.zip --dry-run").code, Some(0));
    let desk = Desk::new();
    desk.write("values.txt", b"evil.example\n\x1b[2Jx\n");
    insta::assert_snapshot!("not_recognised_in_a_file", desk.run("publish --values values.txt"));
    for (words, said) in [
        ("--value 1.2.3.256", "nothing was published; correct it, or leave it out ("),
        ("--value domian-name:evil.example", "there is no kind domian-name"),
        ("--value Global\\evil", "say what it is"),
        ("evil.example", "if it is a value, not a file: certmesh publish --value 'evil.example'"),
    ] {
        let ran = publish(words);
        assert!(ran.code == Some(1) && ran.stderr.contains(said), "{words}\n{ran}");
    }
    let ran = publish("report.json");
    assert!(ran.code == Some(1) && !ran.stderr.contains("hint"), "{ran}");
    desk.write("report.txt", b"One\nTwo\nThree\nFour\nFive\nevil.example\nSix\n");
    let ran = desk.run("publish --values report.txt");
    assert!(ran.code == Some(1) && ran.stderr.contains("cut the values out of a report"), "{ran}");
    desk.write("empty.txt", b"# nothing\n");
    assert_eq!(desk.run("publish --values empty.txt").code, Some(1));
}

#[test]
fn what_would_harm_others_takes_a_reason() {
    insta::assert_snapshot!(
        "harmful_values",
        publish("--value 8.8.8.8 --value 10.0.0.0/8 --value joe@gmail.com --dry-run")
    );
    let forced = publish("--value 8.8.8.8 --force hijacked --dry-run");
    assert!(forced.code == Some(0) && forced.stdout.contains("Reason: hijacked"), "{forced}");
    let desk = Desk::new();
    desk.write("own.txt", b"# our own\ncert.example\n203.0.113.0/24\n");
    let ran = desk
        .run("publish --value www.cert.example --value 203.0.113.7 --own own.txt --dry-run --node none.sock");
    assert!(
        ran.code == Some(1) && ran.stderr.contains("www.cert.example: it is among your own (cert.example)"),
        "{ran}"
    );
}

#[test]
fn a_file_answers_for_its_indicators_too() {
    let desk = Desk::new();
    let indicator = |pattern: &str, uuid: &str| {
        format!(
            r#"{{"type":"indicator","spec_version":"2.1","id":"indicator--{uuid}","created":"2026-01-01T00:00:00Z","modified":"2026-01-01T00:00:00Z","valid_from":"2026-01-01T00:00:00Z","pattern":"{pattern}","pattern_type":"stix"}}"#
        )
    };
    let both = "[domain-name:value = 'evil.example' AND ipv4-addr:value = '8.8.8.8']";
    let bundle = |objects: &[String]| format!(r#"{{"type":"bundle","objects":[{}]}}"#, objects.join(","));
    let good = indicator(both, "8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f");
    let bad = indicator("[domain-name:value = 'google.com']", "1f0e6b3c-3c5e-4f0e-9d5d-4d3e3c2b1a00");
    desk.write("bundle.json", bundle(&[good.clone(), bad]).as_bytes());
    insta::assert_snapshot!("harmful_file", desk.run("publish bundle.json --tlp green --node none.sock"));
    let forced = desk.run("publish bundle.json --tlp green --dry-run --force drill --node none.sock");
    let texts = bundle::read(&forced.stdout).unwrap();
    let note = Object::read(texts[2]).unwrap();
    assert_eq!((note.object_type(), note.tlp()), ("note", Tlp::Green));
    assert!(note.references().iter().any(|(_, id)| id == "indicator--1f0e6b3c-3c5e-4f0e-9d5d-4d3e3c2b1a00"));
    desk.write("good.json", bundle(&[good]).as_bytes());
    assert_eq!(desk.run("publish good.json --node none.sock").code, Some(3));
}

#[test]
fn values_and_files_do_not_mix() {
    for words in [
        "",
        "x.json --value evil.example",
        "x.json --label c2",
        "--value evil.example --confidence 101",
        "--value evil.example --valid-for 2020-01-01",
        "x.json --force",
        "--value evil.example --label=",
    ] {
        assert_eq!(publish(words).code, Some(2), "{words}");
    }
    insta::assert_snapshot!("nothing_to_publish", Desk::new().run("publish"));
}
