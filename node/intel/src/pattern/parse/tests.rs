//! What is a pattern, what is none and why, and that a printed pattern is the same one.

use proptest::prelude::*;

use super::super::tree::{Comparator, Join, Literal, Node, Pattern, Qualifier};
use super::super::{Term, terms};
use super::{MAX_DEPTH, MAX_LEN, parse};

const MD5: &str = "cead3f77f6cda6ec00f57d76c9a6879f";

#[track_caller]
fn check(pattern: &str, printed: &str) {
    let parsed = parse(pattern).unwrap_or_else(|fault| panic!("{pattern}: {fault}"));
    assert_eq!(parsed.to_string(), printed);
    assert_eq!(parse(printed).unwrap(), parsed, "{pattern}");
}

#[track_caller]
fn check_fault(pattern: &str, expected: &str) {
    let fault = parse(pattern).map(|pattern| pattern.to_string()).unwrap_err().to_string();
    assert_eq!(fault, expected, "{pattern}");
}

#[test]
fn prints_what_it_reads() {
    for pattern in [
        "[a:b = 'x']",
        "[file:hashes.'SHA-256' = 'aec070645fe53ee3b3763059376134f058cc337247c978add178b6ccdfb0019f']",
        "[x-usb-device:'a b'.'IN'[*][0].c_1 != 5 OR (a:b > -0.5 AND a:c <= .5)]",
        "[a:b IN (1, 'x', true, h'ff', b'eA==', t'2024-01-01T00:00:00Z') AND a:c NOT IN ()]",
        "[a:b NOT LIKE 'x%' OR a:b MATCHES '^\\\\d' OR a:b NOT ISSUBSET '10.0.0.0/8' OR a:b ISSUPERSET 'x']",
        "[EXISTS a:b OR NOT EXISTS a:c[+1] OR a:d NOT = false]",
        "[a:b = 'it\\'s \\\\ here\n']",
        "([a:b = 1] FOLLOWEDBY [a:b = 2] OR [a:b = 3] AND [a:b = 4]) WITHIN 5.5 SECONDS REPEATS 2 TIMES",
        "[a:b = 1] START t'2016-06-01T01:30:00.123Z' STOP t'2016-06-01T02:20:00Z' AND [a:b = 2] REPEATS 5 TIMES",
        "([a:b = 1] WITHIN 5 SECONDS) WITHIN 6 SECONDS WITHIN 7 SECONDS",
        "(([a:b = 1]))",
    ] {
        check(pattern, pattern);
    }
    check(
        "( [ a :\u{2003}b==1/*x*/OR(a:c<>2)]// y\n) WITHIN +5 SECONDS",
        "([a:b = 1 OR (a:c != 2)]) WITHIN +5 SECONDS",
    );
}

#[test]
fn faults_say_where_and_what() {
    for (pattern, fault) in [
        ("", "line 1, column 1: expected [ or (, but the pattern ends"),
        ("file:size = 1280", "line 1, column 1: expected [ or (, but file stands there"),
        ("[]", "line 1, column 2: expected a comparison, such as file:name = 'a.exe', but ] stands there"),
        ("[file.size = 1]", "line 1, column 6: expected : and a property, but . stands there"),
        (
            "[file:hashes.SHA-256 = 'ab']",
            "line 1, column 14: expected a property's name, but SHA-256 stands there; a name with a hyphen stands in quotes: 'SHA-256'",
        ),
        (
            "[a:START = 1]",
            "line 1, column 4: expected a property's name, but START stands there; a property of that name stands in quotes: 'START'",
        ),
        ("[a:b ~ 1]", "line 1, column 6: expected an operator, such as =, IN or LIKE, but ~ stands there"),
        ("[a:b = ]", "line 1, column 8: expected a value, such as 'text', 5 or true, but ] stands there"),
        (
            "[a:b = \"x\"]",
            "line 1, column 8: expected a value, such as 'text', 5 or true, but \" stands there; strings stand in plain single quotes",
        ),
        ("[a:b = 'x\\y']", "line 1, column 10: a backslash stands alone; in a string it is written \\\\"),
        ("[a:b = 'x]", "line 1, column 8: a string begins here that has no closing '"),
        ("[a:b = /* x", "line 1, column 8: a comment begins here that has no end */"),
        ("// x\n[a:b = 1]", "line 1, column 1: a comment can't stand before the first ["),
        ("[a:b = 007]", "line 1, column 8: 007 begins with 0"),
        ("[a:b = h'abc']", "line 1, column 8: h'abc' must be pairs of hexadecimal digits"),
        ("[a:b = b'']", "line 1, column 8: b'' must be base64, with its = at the end"),
        (
            "[a:b > t'2024-13-01T00:00:00Z']",
            "line 1, column 8: t'2024-13-01T00:00:00Z' must be a time in UTC, such as t'2026-01-31T08:00:00Z'",
        ),
        (
            "[a:b > true]",
            "line 1, column 8: expected a string, a number, or a constant such as t'2026-01-31T08:00:00Z', but true stands there",
        ),
        ("[a:b LIKE 5]", "line 1, column 11: expected a string in single quotes, but 5 stands there"),
        ("[a:b IN 'x']", "line 1, column 9: expected a list in ( ), but the string 'x' stands there"),
        ("[a:b IN ('x' 'y')]", "line 1, column 14: expected , or ), but the string 'y' stands there"),
        (
            "[a:b[-1] = 'x']",
            "line 1, column 6: expected * or the number of an item, from 0, but -1 stands there",
        ),
        ("[NOT a:b = 'x']", "line 1, column 6: expected EXISTS, but a stands there"),
        (
            "[a:b = 1 and a:c = 2]",
            "line 1, column 10: expected AND, OR or ], but and stands there; keywords are in capitals: AND",
        ),
        ("[(a:b = 1]", "line 1, column 10: expected AND, OR or ), but ] stands there"),
        ("[a:b = 1] AND", "line 1, column 14: expected [ or (, but the pattern ends"),
        (
            "([a:b = 1]",
            "line 1, column 11: expected AND, OR, FOLLOWEDBY, a qualifier or ), but the pattern ends",
        ),
        (
            "[a:b = 1])",
            "line 1, column 10: expected AND, OR, FOLLOWEDBY, a qualifier or the end, but ) stands there",
        ),
        (
            "[a:b = 1] WITHIN -5 SECONDS",
            "line 1, column 18: expected a number of seconds, but -5 stands there",
        ),
        ("[a:b = 1] WITHIN 5 HOURS", "line 1, column 20: expected SECONDS, but HOURS stands there"),
        (
            "[a:b = 1] REPEATS 1.5 TIMES",
            "line 1, column 19: expected a whole number of times, but 1.5 stands there",
        ),
        (
            "[a:b = 1] START '2024-01-01T00:00:00Z'",
            "line 1, column 17: expected a time, such as t'2026-01-31T08:00:00Z', but the string '2024-01-01T00:00:00Z' stands there",
        ),
        (
            "[a:b = 1] WITHIN 5 SECONDS WITHIN 6 SECONDS",
            "line 1, column 28: a second WITHIN behind one [ ]; put ( ) around the first",
        ),
        (
            "[a:b = 1]\n  OR [ខ្មែរ",
            "line 2, column 7: expected a comparison, such as file:name = 'a.exe', but ខ stands there",
        ),
    ] {
        check_fault(pattern, fault);
    }
}

#[test]
fn hashes_have_the_form_of_their_algorithm() {
    for comparison in [
        format!("file:hashes.md5 = '{MD5}'"),
        format!("file:hashes.'M-D-5' != '{MD5}'"),
        format!("file:hashes[*] = '{MD5}'"),
        format!("file:hashes[*].MD5 = '{MD5}'"),
        format!("a:x.hashes.MD5 = '{MD5}\n'"),
        "file:hashes.TLSH IN ('T1')".to_owned(),
        "file:hashes.SSDEEP = '3:AXGBicFlgVNhBGcL6wCrFQEv:AXGHsNhxLsr2C'".to_owned(),
        "file:hashes = 'x' AND EXISTS file:hashes.MD5".to_owned(),
    ] {
        assert_eq!(parse(&format!("[{comparison}]")).err(), None, "{comparison}");
    }
    let rule = "which has 32 hexadecimal digits";
    check_fault("[file:hashes.MD5 = 'f00']", &format!("line 1, column 20: 'f00' is no MD5 hash, {rule}"));
    check_fault(
        "[file:hashes.MD5 LIKE 'f00%']",
        &format!("line 1, column 23: 'f00%' is no MD5 hash, {rule}"),
    );
    check_fault(
        &format!("[file:hashes.MD5 IN ('{MD5}')]"),
        "line 1, column 21: IN can't be used with MD5: write hashes one by one, with = and OR",
    );
    check_fault(
        "[file:hashes[0] = 'x']",
        "line 1, column 19: file:hashes[0] names no algorithm behind hashes",
    );
}

#[test]
fn a_fault_is_placed_in_bytes_and_quotes_safely() {
    let fault = parse("[a:b = 'ខ'] \u{202e}").unwrap_err();
    assert_eq!((fault.offset, fault.line, fault.column), (14, 1, 13));
    assert!(fault.problem.contains("\\u{202e}"), "{fault}");
    let long = parse(&format!("[{} = 1]", "x".repeat(10_000))).unwrap_err();
    assert!(long.to_string().len() < 200, "{long}");
}

#[test]
fn length_and_depth_are_bounded() {
    let deep = |depth: usize| format!("{}[a:b = 1]{}", "(".repeat(depth), ")".repeat(depth));
    assert!(parse(&deep(MAX_DEPTH - 1)).is_ok());
    let fault = parse(&deep(MAX_DEPTH)).unwrap_err();
    assert_eq!(
        (fault.column, fault.problem.as_str()),
        (MAX_DEPTH + 1, "parentheses nest more than 128 deep")
    );
    assert!(parse(&format!("[{}", "(".repeat(500_000))).is_err());
    let comparison = format!("domain-name:value = '{}.example'", "x".repeat(50));
    let long = |join: &str| format!("[{}]", vec![comparison.as_str(); 10_000].join(join));
    for pattern in [long(" AND "), long(" OR "), long("] FOLLOWEDBY [")] {
        let parsed = parse(&pattern).unwrap();
        assert_eq!((parsed.comparisons().count(), parsed.to_string()), (10_000, pattern.clone()));
    }
    let fault = parse(&" ".repeat(MAX_LEN + 1)).unwrap_err();
    assert!(fault.problem.contains("at most 1048576"), "{fault}");
}

/// Valid patterns, built piece by piece from the grammar.
fn patterns() -> impl Strategy<Value = String> {
    let name = prop_oneof![
        "[a-z_][a-z0-9_]{0,5}",
        "[^'\\\\]{0,4}".prop_map(|name| format!("'{name}'")),
        Just("'it\\'s'".to_owned()),
    ];
    let step = prop_oneof![
        4 => name.clone().prop_map(|name| format!(".{name}")),
        1 => "\\[(\\*|0|[1-9][0-9]?)\\]",
    ];
    let path = ("[a-z][a-z-]{0,6}x", name, prop::collection::vec(step, 0..3))
        .prop_map(|(object_type, first, rest)| format!("{object_type}:{first}{}", rest.concat()));
    let text = "([^'\\\\]|\\\\'|\\\\\\\\){0,6}".prop_map(|inner| format!("'{inner}'"));
    let literal = prop_oneof![
        4 => text.clone(),
        1 => "[+-]?(0|[1-9][0-9]{0,3})",
        1 => "[+-]?[0-9]{0,2}\\.[0-9]{1,3}",
        1 => "h'([0-9a-fA-F]{2}){0,3}'",
        1 => "b'([A-Za-z0-9+/]{4}){0,2}([A-Za-z0-9+/]{4}|[a-z]{3}=|[a-z]{2}==)'",
        1 => Just("t'2024-02-30T23:59:60.5Z'".to_owned()),
    ];
    let list = prop::collection::vec(prop_oneof![9 => literal.clone(), 1 => Just("true".to_owned())], 0..3)
        .prop_map(|literals| format!("({})", literals.join(" ,")));
    let not = prop_oneof![3 => Just(""), 1 => Just("NOT ")];
    let comparison = prop_oneof![
        6 => (path.clone(), not.clone(), "==?|!=|<>", literal.clone()),
        1 => (path.clone(), not.clone(), "[<>]=?", literal),
        2 => (path.clone(), not.clone(), Just("IN".to_owned()), list),
        2 => (path.clone(), not.clone(), "LIKE|MATCHES|ISSUBSET|ISSUPERSET", text),
    ]
    .prop_map(|(path, not, operator, operand)| format!("{path} {not}{operator}{operand}"));
    let exists = (not, path).prop_map(|(not, path)| format!("{not}EXISTS {path}"));
    let comparisons = prop_oneof![9 => comparison, 1 => exists].prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            (inner.clone(), " (AND|OR) ", inner.clone()).prop_map(|(a, join, b)| format!("{a}{join}{b}")),
            inner.prop_map(|inner| format!("({inner})")),
        ]
    });
    let observation = comparisons.prop_map(|inner| format!("[{inner}]"));
    let qualifier = " (WITHIN [1-9]{1,3}(\\.5)? SECONDS|REPEATS [1-3] TIMES|START t'2024-01-01T00:00:00Z' STOP t'2024-01-01T00:00:00Z')";
    observation.prop_recursive(3, 12, 3, move |inner| {
        prop_oneof![
            (inner.clone(), " (AND|OR|FOLLOWEDBY) ", inner.clone())
                .prop_map(|(a, join, b)| format!("{a}{join}{b}")),
            inner.clone().prop_map(|inner| format!("({inner})")),
            (inner, qualifier).prop_map(|(inner, qualifier)| format!("({inner}){qualifier}")),
        ]
    })
}

/// The terms of a tree by its meaning, each with whether it is partial, in order.
fn terms_of(pattern: &Pattern<'_>, place: usize, partial: bool, found: &mut Vec<(String, bool)>) {
    match &pattern.nodes[place] {
        Node::Group(inner) | Node::Observation(inner) => terms_of(pattern, *inner, partial, found),
        Node::Qualified(inner, qualifier) => {
            let narrows = !matches!(qualifier, Qualifier::Within(_) | Qualifier::Repeats("1"));
            terms_of(pattern, *inner, partial || narrows, found);
        }
        Node::Joined(join, operands) => {
            operands.iter().for_each(|one| terms_of(pattern, *one, partial || *join != Join::Or, found));
        }
        Node::Comparison(comparison) => {
            use Comparator::{Equal, In, IsSubset, IsSuperset};
            let wanted = matches!(comparison.comparator, Equal | In | IsSubset | IsSuperset);
            let values: Vec<_> = comparison.operands.iter().filter_map(text).collect();
            if wanted && !comparison.negated && !values.is_empty() {
                found.push((format!("{} {}", comparison.path, values.join("|")), partial));
            }
        }
    }
}

fn text(literal: &Literal<'_>) -> Option<String> {
    match literal {
        Literal::Text(text) => Some(text.to_string()),
        Literal::Number(number) => Some((*number).to_owned()),
        _ => None,
    }
}

proptest! {
    #[test]
    fn never_panics(pattern in "\\PC{0,80}", likely in "[ab:.\\[\\]*()='\\\\ 0-9NOT/!<>-]{0,60}") {
        let _ = (parse(&pattern), parse(&likely));
    }

    #[test]
    fn a_printed_pattern_is_the_same(pattern in patterns()) {
        let parsed = parse(&pattern).unwrap();
        let printed = parsed.to_string();
        let again = parse(&printed).unwrap();
        prop_assert_eq!(&again, &parsed);
        prop_assert_eq!(again.to_string(), printed);
    }

    #[test]
    fn terms_are_what_the_tree_means(pattern in patterns()) {
        let parsed = parse(&pattern).unwrap();
        let mut expected = Vec::new();
        terms_of(&parsed, parsed.nodes.len() - 1, false, &mut expected);
        let shown = |term: Term<'_>| (format!("{} {}", term.path, term.values.join("|")), term.partial);
        prop_assert_eq!(terms(&pattern).map(shown).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_broken_pattern_is_no_pattern_or_another(pattern in patterns(), place in any::<prop::sample::Index>(), with in "[\\[\\]()'=. a0]{0,2}") {
        let mut characters: Vec<char> = pattern.chars().collect();
        let place = place.index(characters.len());
        characters.splice(place..=place, with.chars());
        let broken: String = characters.into_iter().collect();
        match parse(&broken) {
            Ok(parsed) => {
                let printed = parsed.to_string();
                prop_assert_eq!(parse(&printed).unwrap(), parsed);
            }
            Err(fault) => prop_assert!(broken.is_char_boundary(fault.offset)),
        }
    }
}
