"""Reads lists with parsers that have nothing of ours in them: Python's csv and json, PyMISP, and a reader of Zeek's
input format that stumbles over whatever Zeek would stumble over. Prints the values that it found.

    read.py FOLDER
"""

import csv
import hashlib
import json
import re
import sys
from pathlib import Path

from pymisp import MISPEvent

ZEEK_TYPES = {
    "ADDR", "SUBNET", "URL", "EMAIL", "DOMAIN", "USER_NAME", "CERT_HASH", "FILE_HASH", "FILE_NAME", "SOFTWARE",
}


def read_csv(path):
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file, strict=True))
    for row in rows:
        assert None not in row and None not in row.values(), f"a row of another length: {row}"
        for field in row.values():
            assert not field.startswith(("=", "+", "-", "@", "\t", "\r")), f"a formula: {field!r}"
            assert field.isprintable(), f"it acts on a terminal: {field!r}"
    return {row["value"] for row in rows}


def read_zeek(path):
    fields, values = None, set()
    for line in path.read_text(encoding="utf-8").split("\n")[:-1]:
        if line.startswith("#fields\t"):
            fields = line.split("\t")[1:]
        elif not line.startswith("#"):
            row = dict(zip(fields, line.split("\t"), strict=True))
            assert row["indicator_type"].removeprefix("Intel::") in ZEEK_TYPES, row
            assert all(field not in ("", "-", "(empty)") for field in row.values()), row
            values.add(re.sub(r"\\x([0-9a-f]{2})", lambda byte: chr(int(byte[1], 16)), row["indicator"]))
    return values


def read_stix(path):
    objects = json.loads(path.read_text(encoding="utf-8"))["objects"]
    ids = {thing["id"] for thing in objects}
    assert len(ids) == len(objects), "an object stands there twice"
    for thing in objects:
        for marking in thing.get("object_marking_refs", []):
            assert marking in ids, f"the marking {marking} is not shipped"
    return objects


def read_misp(folder):
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    hashes = {tuple(line.split(",")) for line in (folder / "hashes.csv").read_text(encoding="ascii").split()}
    values, expected = set(), set()
    for event_id, entry in manifest.items():
        event = MISPEvent()
        event.load_file(folder / f"{event_id}.json")
        assert str(event.uuid) == event_id
        assert (event.info, event.orgc.name, event.orgc.uuid) == (
            entry["info"], entry["Orgc"]["name"], entry["Orgc"]["uuid"])
        assert int(event.timestamp.timestamp()) == int(entry["timestamp"])
        assert {tag.name for tag in event.tags} == {"tlp:green", "EXERCISE"}
        for attribute in event.attributes:
            assert {tag.name for tag in attribute.tags} == {"tlp:green"}
            values.add(attribute.value)
            expected.add((hashlib.md5(attribute.value.encode()).hexdigest(), event_id))
    assert hashes == expected, "hashes.csv is not of the events' values"
    return values


def main(folder):
    folder = Path(folder)
    in_csv, in_zeek, in_misp = read_csv(folder / "indicators.csv"), read_zeek(folder / "zeek.intel"), read_misp(folder / "misp")
    good = {"evil.example", "203.0.113.7", "198.51.100.0/24", "joe@evil.example", "d41d8cd98f00b204e9800998ecf8427e"}
    for name, found in [("csv", in_csv), ("zeek", in_zeek), ("misp", in_misp)]:
        assert good <= found, f"{name} lacks {good - found}"
    indicators = [thing for thing in read_stix(folder / "stix.json") if thing["type"] == "indicator"]
    assert len(indicators) >= len(in_csv) - 1
    print("\n".join(sorted(in_misp)))


if __name__ == "__main__":
    main(*sys.argv[1:])
