//! Which terms are found, and which of them stand by themselves.

use proptest::prelude::*;

use super::{MAX_VALUES, Operator, terms};

/// Each term as `path=value` (`@` for IN, `<` and `>` for networks), with `…` after a partial one.
fn found(pattern: &str) -> Vec<String> {
    let sign = |operator| match operator {
        Operator::Equal => '=',
        Operator::In => '@',
        Operator::Subset => '<',
        Operator::Superset => '>',
    };
    let shown = |term: super::Term<'_>| {
        let partial = if term.partial { "…" } else { "" };
        format!("{}{}{}{partial}", term.path, sign(term.operator), term.values.join("|"))
    };
    terms(pattern).map(shown).collect()
}

#[track_caller]
fn check(pattern: &str, expected: &str) {
    assert_eq!(found(pattern).join(" "), expected, "{pattern}");
}

#[test]
fn takes_terms_wherever_they_stand() {
    for (pattern, expected) in [
        ("[domain-name:value = 'a.com']", "domain-name:value=a.com"),
        ("[domain-name:value='a.com'OR url:value=='b']", "domain-name:value=a.com url:value=b"),
        ("[file:hashes.sha256 = 'ab']", "file:hashes.sha256=ab"),
        ("[file:hashes.SHA-256 = 'ab']", "file:hashes.'SHA-256'=ab"),
        ("[d:resolves_to_refs[*].value = 'x']", "d:resolves_to_refs[*].value=x"),
        ("[d:parts[0].x = 'x' OR as:number = 15169]", "d:parts[0].x=x as:number=15169"),
        (r"[file:name = 'it\'s \\ here']", r"file:name=it's \ here"),
        ("[/* c:d = 'no' */ a:b = 'http://x' // c:d = 'no'\n]", "a:b=http://x"),
        ("[a:b IN ('x', 'y', 5, true, h'00')]", "a:b@x|y|5"),
        ("[a:b ISSUBSET '10.0.0.0/8' OR a:b ISSUPERSET '10.0.0.0/8']", "a:b<10.0.0.0/8 a:b>10.0.0.0/8"),
        ("a:b = 'x' or c:d in ('y')", "a:b=x c:d@y"),
        ("]) [a:b = 'x'", "a:b=x"),
    ] {
        check(pattern, expected);
    }
}

#[test]
fn leaves_everything_else() {
    for pattern in [
        "[a:b != 'x']",
        "[a:b <> 'x']",
        "[a:b NOT = 'x']",
        "[NOT a:b = 'x']",
        "[NOT (a:b = 'x' OR (a:c = 'x'))]",
        "NOT [a:b = 'x']",
        "[a:b >= 5]",
        "[a:b NOT IN ('x', 'y')]",
        "[a:b NOT ISSUBSET '10.0.0.0/8']",
        "[a:b IN ()]",
        "[a:b IN ('x', ['y'])]",
        "[a:b IN ('x'",
        "[a:b LIKE 'x%']",
        "[a:b MATCHES 'a:b = x']",
        "[a:b = b'eA==']",
        "[a:b = true]",
        "[EXISTS a:b]",
        "[a:b = 'unfinished",
        "[a:b = /* unfinished",
        "[a: = 'x']",
        "[a:b. = 'x']",
        "[a:b[x] = 'x']",
        "alert tcp any any -> any any (msg:\"x\";)",
        "",
    ] {
        check(pattern, "");
    }
}

#[test]
fn a_negation_covers_what_follows_it_and_no_more() {
    check("[a:b NOT = 'x' OR a:c = 'y' OR NOT a:d = 'z' OR a:e = 'w']", "a:c=y a:e=w");
    check("[NOT (a:b = 'x' OR a:c = 'x') OR a:d = 'y']", "a:d=y");
}

#[test]
fn conditions_among_several_are_partial() {
    for (pattern, expected) in [
        ("[a:b = 'x' AND a:c = 'y']", "a:b=x… a:c=y…"),
        ("[a:b = 'x' OR a:c = 'y' AND a:d = 'z']", "a:b=x a:c=y… a:d=z…"),
        ("[(a:b = 'x' OR a:c = 'y') AND a:d = 'z' OR a:e = 'w']", "a:b=x… a:c=y… a:d=z… a:e=w"),
        ("[a:b = 'x' AND (a:c = 'y')]", "a:b=x… a:c=y…"),
        ("[((a:b = 'x'))]", "a:b=x"),
        ("[a:b = 'x' AND NOT a:c = 'y']", "a:b=x…"),
        ("[a:b = 'x' AND a:c > 5]", "a:b=x…"),
        ("[a:b = 'x' AND EXISTS a:c]", "a:b=x…"),
        ("[a:b = 'x' AND what]", "a:b=x…"),
        ("[a:b = 'x' a:c = 'y']", "a:b=x… a:c=y…"),
        ("[a:b = 'x'] OR [a:c = 'y']", "a:b=x a:c=y"),
        ("[a:b = 'x'] OR [a:c = 'y'] AND [a:d = 'z']", "a:b=x a:c=y… a:d=z…"),
        ("[a:b = 'x'] OR [a:c = 'y'] FOLLOWEDBY [a:d = 'z']", "a:b=x… a:c=y… a:d=z…"),
        ("([a:b = 'x'] FOLLOWEDBY [a:c = 'y']) OR [a:d = 'z']", "a:b=x… a:c=y… a:d=z"),
        ("([a:b = 'x'] OR [a:c = 'y']) WITHIN 5 SECONDS", "a:b=x a:c=y"),
    ] {
        check(pattern, expected);
    }
}

#[test]
fn repetition_and_times_are_conditions_too() {
    for (pattern, expected) in [
        ("[a:b = 'x'] WITHIN 5 SECONDS", "a:b=x"),
        ("[a:b = 'x'] REPEATS 1 TIMES", "a:b=x"),
        ("[a:b = 'x'] REPEATS 5 TIMES WITHIN 60 SECONDS", "a:b=x…"),
        ("[a:b = 'x'] OR [a:c = 'y'] REPEATS 5 TIMES", "a:b=x a:c=y…"),
        ("[a:z = 'w'] OR ([a:b = 'x'] OR [a:c = 'y']) REPEATS 5 TIMES", "a:z=w a:b=x… a:c=y…"),
        (
            "[a:b = 'x'] START t'2024-01-01T00:00:00Z' STOP t'2025-01-01T00:00:00Z' OR [a:c = 'y']",
            "a:b=x… a:c=y",
        ),
    ] {
        check(pattern, expected);
    }
}

#[test]
fn the_type_of_a_reference_is_no_condition_beside_its_value() {
    for (pattern, expected) in [
        (
            "[n:dst_ref.type = 'ipv4-addr' AND n:dst_ref.value = 'x']",
            "n:dst_ref.type=ipv4-addr n:dst_ref.value=x",
        ),
        (
            "[n:dst_ref.type = 't' AND n:dst_ref.value = 'x' AND n:dst_port = 80]",
            "n:dst_ref.type=t… n:dst_ref.value=x… n:dst_port=80…",
        ),
        ("[n:src_ref.type = 't' AND n:dst_ref.value = 'x']", "n:src_ref.type=t… n:dst_ref.value=x…"),
        (
            "[n:dst_ref.type = 't' AND (n:dst_ref.value = 'x' OR n:dst_ref.value = 'y')]",
            "n:dst_ref.type=t n:dst_ref.value=x n:dst_ref.value=y",
        ),
        (
            "[(n:dst_ref.type = 't' AND n:dst_ref.value = 'x') AND a:b = 'y']",
            "n:dst_ref.type=t… n:dst_ref.value=x… a:b=y…",
        ),
    ] {
        check(pattern, expected);
    }
}

#[test]
fn length_and_depth_are_bounded_or_harmless() {
    let deep = |depth: usize| format!("{}a:b = 'x'{}", "(".repeat(depth), ")".repeat(depth));
    check(&deep(128), "a:b=x");
    check(&deep(129), "a:b=x…");
    check(&deep(100_000), "a:b=x…");
    check(&format!("[{} OR a:c = 'y']", deep(1_000)), "a:b=x… a:c=y");
    let path = |steps: usize| found(&format!("[a:b{} = 'x']", ".c".repeat(steps))).len();
    assert_eq!((path(63), path(64), path(100_000)), (1, 0, 0));
    let long = vec!["a:b = 'x'"; 20_000].join(" AND ");
    assert_eq!(found(&long).len(), MAX_VALUES);
    assert!(terms(&format!("{long} AND a:b = 'y'")).all(|term| term.partial));
    let list = vec!["'x'"; 20_000].join(",");
    assert_eq!(terms(&format!("[a:b IN ({list})]")).map(|term| term.values.len()).sum::<usize>(), MAX_VALUES);
}

proptest! {
    #[test]
    fn never_panics(pattern in "\\PC{0,80}", likely in "[ab:.\\[\\]*()='\\\\ 0-9NOT/!<>-]{0,60}") {
        found(&pattern);
        found(&likely);
    }

    #[test]
    fn a_written_literal_is_read_back(value in "\\PC{0,40}") {
        let literal = value.replace('\\', "\\\\").replace('\'', "\\'");
        prop_assert_eq!(found(&format!("[a:b = '{literal}']")), [format!("a:b={value}")]);
    }
}
