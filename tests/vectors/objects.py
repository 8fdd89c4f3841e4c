"""Bodies (wire.md, section 6): which texts are objects, how they are marked, and when a body is void."""

import json
import re

import zstandard

from strict import Refused, decode, list_of, text

OBJECT_TYPE = re.compile(r"[A-Za-z0-9_-]+")
UUID = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
SURROGATE = re.compile("[\ud800-\udfff]")
MARKINGS = {
    f"marking-definition--{uuid}".encode(): tlp
    for uuid, tlp in {
        "94868c89-83c2-464b-929b-a1a8aa3c8487": 0,
        "bab4a63c-aed9-4cf5-a766-dfca5abac2bb": 1,
        "55d920b0-5e8b-4f79-9ee9-91f868d9b421": 2,
        "939a9414-2ddd-4d32-a0cd-375ea402b003": 3,
        "e828b379-4e03-4974-9ac4-e53a884c97c1": 4,
        "613f2e26-407d-48c7-9eca-b8e91df99dc9": 0,
        "34098fce-860f-48ae-8e50-ebd3cc5e41da": 1,
        "f88d31f6-486f-44da-b317-01333bde0b82": 2,
        "826578e1-40ad-459f-bc73-ede076f81f37": 3,
        "5e57c739-391a-4eb3-b6be-7d15ca92d5ed": 4,
    }.items()
}
AMBER = 2
MAGIC = bytes.fromhex("28b52ffd")


class Properties(list):
    """A JSON object as its (name, value) pairs, so that a name that stands twice is seen."""


class Number:
    """A JSON number, unread: none is out of range."""

    def __init__(self, digits):
        self.digits = digits


def tlp_of(source):
    """How a text is marked, as a number; None if it is no object."""
    properties = read_object(source)
    return None if properties is None else marking(properties)


def read_object(source):
    try:
        value = json.loads(
            source, object_pairs_hook=Properties, parse_int=Number, parse_float=Number, parse_constant=no_json
        )
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, Properties) or len(value) > 1024 or nesting(value) > 128:
        return None
    if has_half_pair(value):
        return None
    properties = dict(value)
    return properties if len(properties) == len(value) and is_identified(properties) else None


def no_json(word):
    raise ValueError(f"{word} is not JSON")


def children(value):
    if isinstance(value, Properties):
        return [item for _, item in value]
    return value if isinstance(value, list) else []


def nesting(value):
    deepest = max(map(nesting, children(value)), default=0)
    return deepest + isinstance(value, list)


def has_half_pair(value):
    """Python joins the halves of a pair as it reads; what is left of them stands alone."""
    if isinstance(value, str):
        return SURROGATE.search(value) is not None
    names = [name for name, _ in value] if isinstance(value, Properties) else []
    return any(map(has_half_pair, [*names, *children(value)]))


def is_identified(properties):
    object_type, name = properties.get("type"), properties.get("id")
    if type(object_type) is not str or type(name) is not str or len(name.encode()) > 256:
        return False
    begins = name.startswith(object_type + "--")
    return begins and bool(OBJECT_TYPE.fullmatch(object_type) and UUID.fullmatch(name[len(object_type) + 2 :]))


def marking(properties):
    refs = properties.get("object_marking_refs")
    refs = [refs] if isinstance(refs, str) else [] if isinstance(refs, Properties) else refs
    whole = levels(refs)
    unmarked = 0 if level(properties["id"]) is not None else AMBER
    granular = properties.get("granular_markings")
    parts = granular if type(granular) is list else []
    pairs = [pair for part in parts if isinstance(part, Properties) for pair in part]
    refs = [value for name, value in pairs if name == "marking_ref"]
    return max([max(whole, default=unmarked), *levels(refs)])


def levels(refs):
    listed = refs if isinstance(refs, list) else []
    found = [level(ref) for ref in listed if isinstance(ref, str)]
    return [tlp for tlp in found if tlp is not None]


def level(ref):
    """The TLP of a marking definition's id; only ASCII letters have a case here."""
    return MARKINGS.get(ref.encode("utf-8", "surrogatepass").lower())


def unpack(body, raw_len, tlp):
    """The texts of a body of kind 1; None if it is void."""
    try:
        raw = decompress(body, raw_len)
        texts = decode(raw, 8_388_608)
        list_of(text, 4096, 1)(texts)
    except (zstandard.ZstdError, Refused):
        return None
    marked = [tlp_of(source) for source in texts]
    return texts if all(mark is not None and mark <= tlp for mark in marked) else None


def decompress(body, raw_len):
    """The content of the one frame that `body` must be, `raw_len` bytes."""
    frame = zstandard.ZstdDecompressor(max_window_size=1 << 31).decompressobj()
    raw = frame.decompress(body)
    if body[:4] != MAGIC or not frame.eof or frame.unused_data or len(raw) != raw_len:
        raise zstandard.ZstdError("not one whole frame of raw_len bytes")
    return raw
