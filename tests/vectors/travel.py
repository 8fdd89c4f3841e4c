"""Parcels and exports (wire.md, sections 9 and 10)."""

from strict import blob, decode, decode_prefix, list_of, optional, record_of, require

RECORD, BODY = 4_224, 1_048_576
PARCEL = RECORD + BODY + 16


def parcel_shape(value):
    record_of(blob, optional(blob))(value)
    record, body = value
    require(len(record) <= RECORD and len(body or b"") <= BODY, "a record or body over its limit")


def parcel(data):
    value = decode(data, PARCEL)
    parcel_shape(value)
    return value


def export(data):
    """The manifests' bytes, and the parcels."""
    manifests, rest = decode_prefix(data)
    # Their bytes are bounded, and so is their number.
    list_of(blob, 177_214_752)(manifests)
    require(sum(map(len, manifests)) <= 177_214_752, "more manifests than an export may have")
    parcels = []
    while rest:
        value, rest = decode_prefix(rest)
        parcel_shape(value)
        parcels.append(value)
    return manifests, parcels
