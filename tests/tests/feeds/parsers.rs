//! The tools' own parsers, over lists that hold hostile values among good ones.

use std::path::Path;
use std::process::Command;

use certmesh_tests::{Mesh, unable};
use serde_json::json;

use crate::{indicator, publish};

/// Values that try to be more than one, and good ones around them.
const PATTERNS: [&str; 17] = [
    "[domain-name:value = 'evil.example']",
    "[domain-name:value = '32.8.8.8.8.rpz-ip']",
    "[domain-name:value = 'a.example CNAME rpz-passthru.']",
    "[domain-name:value = '*.wild.example']",
    "[ipv4-addr:value = '203.0.113.7']",
    "[ipv4-addr:value = '198.51.100.0/24']",
    "[ipv6-addr:value = '2001:db8:0:1::1']",
    "[ipv6-addr:value = '::ffff:203.0.113.9']",
    "[ipv6-addr:value = '2001:db8:ffff::/48']",
    "[url:value = 'https://evil.example/a?b=c;d=\"e\"&f=|41|#top']",
    "[url:value = 'http://203.0.113.7:8080/x']",
    "[email-addr:value = 'joe@evil.example']",
    "[file:hashes.'SHA-256' = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855']",
    "[file:hashes.MD5 = 'd41d8cd98f00b204e9800998ecf8427e']",
    "[file:name = '=cmd|\\' /C calc\\'!A0']",
    "[file:name = 'a,\"b\";c']",
    "[file:name = '#fields']",
];

/// A mesh with all of it, and a folder with all lists.
fn lists() -> (Mesh, std::path::PathBuf) {
    let mesh = Mesh::raise(2);
    let sg = mesh.node("SG");
    let name = json!({ "name": "tab\there, \"quoted\"; \u{202e}end\nnext line", "labels": ["c2\n"], "confidence": 80 });
    let of = |(at, pattern): (usize, &&str)| indicator(at as u32, pattern, name.clone());
    let objects: Vec<_> = PATTERNS.iter().enumerate().map(of).collect();
    publish(sg, &objects);
    let folder = mesh.path("lists");
    std::fs::create_dir(&folder).unwrap();
    for list in ["indicators.csv", "zeek.intel", "rpz.zone", "stix.json", "suricata.rules"] {
        let output = folder.join(list);
        sg.run(["feed", "--exercise", list, "--output", output.to_str().unwrap()]).done();
    }
    for list in ["misp", "suricata"] {
        let output = folder.join(list);
        sg.run(["feed", "--exercise", list, "--output", output.to_str().unwrap()]).done();
    }
    (mesh, folder)
}

#[test]
fn python_pymisp_and_a_strict_reader_of_zeek_s_format_read_them() {
    let (_mesh, folder) = lists();
    let python = std::env::var_os("CERTMESH_PYTHON")
        .expect("CERTMESH_PYTHON is not set: run scripts/test, or eval \"$(scripts/setup --test)\" first");
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("feeds/read.py");
    let output = Command::new(python).arg("-B").arg(program).arg(&folder).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("evil.example"), "{said}");
}

/// Runs a program of the system's; nothing, and word of it, if it isn't there.
fn run(program: &str, arguments: &[&str]) -> Option<(bool, String)> {
    match Command::new(program).args(arguments).output() {
        Ok(output) => {
            let said = [output.stdout, output.stderr].concat();
            Some((output.status.success(), String::from_utf8_lossy(&said).into_owned()))
        }
        Err(_) => {
            unable(program, "it isn't installed");
            None
        }
    }
}

#[test]
fn bind_loads_the_zone() {
    let (_mesh, folder) = lists();
    let zone = folder.join("rpz.zone");
    let checked =
        run("named-checkzone", &["-k", "fail", "-i", "local", "rpz.certmesh", zone.to_str().unwrap()]);
    let Some((loads, said)) = checked else { return };
    assert!(loads && said.contains("loaded serial") && !said.contains("ignoring"), "{said}");
}

#[test]
fn suricata_takes_every_rule() {
    let (_mesh, folder) = lists();
    let config = folder.join("suricata.yaml");
    let sets = folder.join("suricata");
    std::fs::write(&config, format!(
        "%YAML 1.1\n---\nvars:\n  address-groups:\n    HOME_NET: \"[192.168.0.0/16]\"\n\
         default-rule-path: {0}\nrule-files: [ suricata.rules, suricata/certmesh.rules ]\n\
         reputation-categories-file: {1}/certmesh-categories.txt\ndefault-reputation-path: {1}\n\
         reputation-files: [ certmesh-reputation.list ]\n\
         app-layer: {{ protocols: {{ http: {{ enabled: yes }}, tls: {{ enabled: yes }}, smtp: {{ enabled: yes }}, \
         dns: {{ tcp: {{ enabled: yes }}, udp: {{ enabled: yes }} }} }} }}\noutputs: []\n",
        folder.display(), sets.display(),
    )).unwrap();
    let (config, logs) = (config.to_str().unwrap(), folder.to_str().unwrap());
    let Some((takes, said)) = run("suricata", &["-T", "-v", "-c", config, "-l", logs]) else { return };
    assert!(takes && said.contains(" 0 rules failed"), "{said}");
}
