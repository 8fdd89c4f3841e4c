//! Strict readers of the lists: each gives the values that a tool would take from a text, and panics where the tool would
//! stumble.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::formats::Feed;
use crate::formats::shape::{bare_url, split_path};

/// The values in a list, one for each row that was written.
pub(super) fn read(feed: Feed, text: &str) -> Vec<String> {
    assert!(text.is_empty() || text.ends_with('\n'), "{feed} ends in the middle of a line");
    match feed {
        Feed::Csv => csv(text).into_iter().skip(1).map(|fields| fields[0].clone()).collect(),
        Feed::Zeek => zeek(text),
        Feed::Rpz => rpz(text),
        Feed::SuricataRules => rules(text),
        Feed::SuricataDomains => lines(text).map(decoded).collect(),
        Feed::SuricataReputation => lines(text).map(reputation).collect(),
        // Zeros stand for an empty list of digests.
        _ => lines(text).filter(|line| line.contains(|c| c != '0')).map(str::to_owned).collect(),
    }
}

/// Whether what was read back is the value.
pub(super) fn says(feed: Feed, read: &str, value: &str) -> bool {
    match feed {
        Feed::Csv => read == value || read.strip_prefix('\'') == Some(value),
        Feed::Urls | Feed::Zeek => read == value || bare_url(value) == Some(read),
        Feed::SuricataRules => read == value || bare_url(value).map(as_requested).as_deref() == Some(read),
        _ => read == value,
    }
}

/// What a sensor has of a URL: the host in lower case without its port, and the path with its slash.
fn as_requested(bare: &str) -> String {
    let (authority, path) = split_path(bare);
    let host = authority.split(':').next().unwrap().to_ascii_lowercase();
    let slash = if path.starts_with('/') { "" } else { "/" };
    format!("{host}{slash}{path}")
}

fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.starts_with('#')).inspect(|line| {
        assert!(!line.is_empty() && !line.contains(char::is_whitespace), "not one thing a line: {line:?}");
    })
}

fn decoded(line: &str) -> String {
    String::from_utf8(STANDARD.decode(line).unwrap()).unwrap()
}

fn reputation(line: &str) -> String {
    let [address, category, score] = line.split(',').collect::<Vec<_>>().try_into().unwrap();
    assert!(category == "1" && (1..=127).contains(&score.parse::<u32>().unwrap()), "{line}");
    address.to_owned()
}

/// RFC 4180, with its line ends, and the same number of fields on each line.
fn csv(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut field, mut rest) =
        (Vec::new(), Vec::new(), String::new(), text.chars().peekable());
    let mut quoted = false;
    while let Some(c) = rest.next() {
        match (quoted, c) {
            (true, '"') if rest.peek() == Some(&'"') => field.push(rest.next().unwrap()),
            (true, '"') => {
                quoted = false;
                assert!(matches!(rest.peek(), Some(',' | '\r')), "text behind a closing quote");
            }
            (true, c) => field.push(c),
            (false, '"') => {
                assert!(field.is_empty(), "a quote inside a plain field");
                quoted = true;
            }
            (false, ',') => row.push(std::mem::take(&mut field)),
            (false, '\r') => {
                assert_eq!(rest.next(), Some('\n'));
                row.push(std::mem::take(&mut field));
                rows.push(std::mem::take(&mut row));
            }
            (false, c) => field.push(c),
        }
    }
    assert!(!quoted && row.is_empty() && field.is_empty(), "ends in the middle of a row");
    assert!(rows.iter().all(|row| row.len() == rows[0].len()), "rows of different lengths");
    let is_formula = |field: &String| field.starts_with(['=', '+', '-', '@', '\t', '\r']);
    assert!(!rows.iter().flatten().any(is_formula), "a formula");
    rows
}

/// As Zeek's ASCII reader: `\xNN` is a byte, `-` is unset.
fn zeek(text: &str) -> Vec<String> {
    let mut lines = text.lines().filter(|line| !line.starts_with('#') || line.starts_with("#fields\t"));
    let columns = lines.next().unwrap().split('\t').count() - 1;
    let value = |line: &str| {
        let fields: Vec<_> = line.split('\t').collect();
        assert_eq!(fields.len(), columns, "{line:?}");
        assert!(
            fields[1].starts_with("Intel::") && fields.iter().all(|field| !field.is_empty() && *field != "-")
        );
        assert!(fields.iter().all(|field| *field != "(empty)" && !field.contains(char::is_control)));
        unescaped(fields[0])
    };
    lines.map(value).collect()
}

fn unescaped(field: &str) -> String {
    let mut parts = field.split("\\x");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        text.push(char::from(u8::from_str_radix(&part[..2], 16).unwrap()));
        text.push_str(&part[2..]);
    }
    assert!(!field.replace("\\x", "").contains('\\'), "a bare backslash: {field}");
    text
}

/// As a name server: a fixed head, then owners relative to the zone, each with `CNAME .`.
fn rpz(text: &str) -> Vec<String> {
    let lines: Vec<_> = text.lines().filter(|line| !line.starts_with(';')).collect();
    assert!(
        lines[0].starts_with("$TTL ")
            && lines[1].starts_with("@ IN SOA ")
            && lines[2] == "@ IN NS localhost."
    );
    let owner = |line: &&str| line.strip_suffix(" CNAME .").unwrap_or_else(|| panic!("{line:?}")).to_owned();
    let owners: Vec<_> = lines[3..].iter().map(owner).collect();
    let names = owners.iter().filter(|owner| !owner.starts_with("*."));
    for name in names.clone() {
        assert!(!name.ends_with('.') && !name.contains(char::is_whitespace), "{name}");
        assert!(
            name.ends_with(".rpz-ip") || owners.contains(&format!("*.{name}")),
            "{name} without what is below"
        );
    }
    names.map(|owner| owner.strip_suffix(".rpz-ip").map_or_else(|| owner.clone(), address)).collect()
}

/// The address or network of a trigger without its `.rpz-ip`.
fn address(trigger: &str) -> String {
    let (length, reversed) = trigger.split_once('.').unwrap();
    let mut groups: Vec<_> = reversed.split('.').collect();
    groups.reverse();
    if groups.len() == 4
        && groups.iter().all(|group| group.parse::<u8>().is_ok())
        && length.parse::<u8>().unwrap() <= 32
    {
        let address = groups.join(".");
        return if length == "32" { address } else { format!("{address}/{length}") };
    }
    let address = groups.join(":").replace("zz", if groups.len() == 1 { "::" } else { "" });
    let address = match (groups.first(), groups.last()) {
        (Some(&"zz"), _) if groups.len() > 1 => format!(":{address}"),
        (_, Some(&"zz")) if groups.len() > 1 => format!("{address}:"),
        _ => address,
    };
    let address: std::net::Ipv6Addr = address.parse().unwrap_or_else(|e| panic!("{trigger}: {address}: {e}"));
    if length == "128" { address.to_string() } else { format!("{address}/{length}") }
}

/// As Suricata: seven words, then options in parentheses, each ended by `;`, quotes and all. What the DNS rule of a name
/// looks for, or any other rule, is the value.
fn rules(text: &str) -> Vec<String> {
    let mut values = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (head, body) = line.split_once(" (").unwrap();
        let words: Vec<_> = head.split(' ').collect();
        assert!(words.len() == 7 && words[0] == "alert" && words[2] == "$HOME_NET", "{line}");
        let options = options(body.strip_suffix(')').unwrap());
        let get = |name| options.iter().filter(move |(key, _)| *key == name).map(|(_, value)| value.as_str());
        assert!(get("msg").count() == 1 && get("sid").count() == 1 && get("rev").eq(["1"]), "{line}");
        let contents: Vec<_> = get("content").map(bytes).collect();
        match (words[1], &contents[..]) {
            ("dns", [name]) => values.push(name[1..].to_owned()),
            ("http", [host, path]) => values.push(format!("{host}{path}")),
            ("tls" | "http", [_]) => {}
            ("ip", []) => values.push(words[5].to_owned()),
            _ => panic!("{line}"),
        }
    }
    values
}

fn options(body: &str) -> Vec<(String, String)> {
    let (mut options, mut option, mut quoted) = (Vec::new(), String::new(), false);
    for c in body.chars() {
        match c {
            '"' => quoted = !quoted,
            ';' if quoted => panic!("{body}"),
            ';' => {
                let (name, value) = option.split_once(':').unwrap_or((&option, ""));
                options.push((name.trim().to_owned(), value.to_owned()));
                option.clear();
            }
            '\\' => panic!("{body}"),
            c => option.push(c),
        }
    }
    assert!(!quoted && option.trim().is_empty(), "{body}");
    options
}

/// A `content` as bytes: what stands between bars is hexadecimal.
fn bytes(content: &str) -> String {
    let parts = content.split('|').enumerate();
    let parts = parts.map(|(at, part)| match at % 2 {
        0 => part.to_owned(),
        _ => String::from_utf8(vec![u8::from_str_radix(part, 16).unwrap()]).unwrap(),
    });
    parts.collect()
}
