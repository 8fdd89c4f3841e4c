"""Strict CBOR (wire.md, section 3): what decodes here has no second encoding."""

import cbor2


class Refused(Exception):
    """Bytes that must not be taken: `reason` is wire.md's word for why."""

    def __init__(self, reason, what):
        super().__init__(f"{reason}: {what}")
        self.reason = reason


def require(holds, what, reason="malformed"):
    if not holds:
        raise Refused(reason, what)


def decode(data, limit):
    """The one value that fills `data`."""
    require(len(data) <= limit, f"{len(data)} bytes where {limit} are allowed")
    value, rest = decode_prefix(data)
    require(rest == b"", "bytes after the end")
    return value


def decode_prefix(data):
    """The value that `data` begins with, and what follows it."""
    value, end = read(data, 0, 0)
    return value, data[end:]


def read(data, at, depth):
    """The item at `at`, `depth` arrays deep, and where it ends."""
    argument, after = read_head(data, at)
    major, info = data[at] >> 5, data[at] & 0x1F
    if major == 0:
        return argument, after
    if major in (2, 3):
        require(argument <= len(data) - after, "shorter than it says")
        content = data[after : after + argument]
        return content if major == 2 else utf8(content), after + argument
    if major == 4:
        return read_items(data, after, argument, depth)
    if major == 5 and argument == 0:
        return {}, after
    require(major == 7 and info in (20, 21, 22), f"item {data[at]:#04x} is not allowed")
    return {20: False, 21: True, 22: None}[info], after


def read_head(data, at):
    """An item's argument, in its shortest form, and where its head ends."""
    require(at < len(data), "ends too early")
    info = data[at] & 0x1F
    if info < 24:
        return info, at + 1
    require(info < 28, "an indefinite length")
    size = 1 << (info - 24)
    digits = data[at + 1 : at + 1 + size]
    require(len(digits) == size, "ends too early")
    argument = int.from_bytes(digits, "big")
    least = 24 if size == 1 else 1 << (size * 4)
    require(argument >= least, "not the shortest form")
    return argument, at + 1 + size


def read_items(data, at, count, depth):
    require(count <= len(data) - at, "shorter than it says")
    require(count == 0 or depth < 8, "nested too deep")
    items = []
    for _ in range(count):
        item, at = read(data, at, depth + 1)
        items.append(item)
    return items, at


def utf8(content):
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        raise Refused("malformed", "a text that is not UTF-8") from None


def encode(value):
    """Encodes with a library that is not ours; `read` above is checked against it."""
    return cbor2.dumps(value)


# Shapes. Each is a function that refuses what does not have it.


def number(bits):
    def check(value):
        require(type(value) is int and 0 <= value < 1 << bits, f"not a u{bits}")

    return check


def blob(value):
    require(type(value) is bytes, "not a byte string")


def id32(value):
    require(type(value) is bytes and len(value) == 32, "not 32 bytes")


def text(value):
    require(type(value) is str, "not a text")


def boolean(value):
    require(type(value) is bool, "neither true nor false")


def code(value):
    text(value)
    require(len(value) == 2 and all("A" <= letter <= "Z" for letter in value), "not a member code")


def empty_map(value):
    require(type(value) is dict, "not a map")


def optional(shape):
    return lambda value: None if value is None else shape(value)


def list_of(shape, most, least=0):
    def check(value):
        require(type(value) is list and least <= len(value) <= most, f"not a list of {least} to {most}")
        for item in value:
            shape(item)

    return check


def record_of(*shapes):
    """An array with exactly these items."""

    def check(value):
        require(type(value) is list and len(value) == len(shapes), f"not an array of {len(shapes)}")
        for item, shape in zip(value, shapes):
            shape(item)

    return check


def audience(value):
    if value == "all":
        return
    list_of(code, 256, 1)(value)
    rises(value, "audience")


def rises(values, what):
    values = list(values)
    require(all(a < b for a, b in zip(values, values[1:])), f"{what} out of order, or one twice")
