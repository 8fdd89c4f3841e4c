"""Parcels, pulls and exports (wire.md, sections 9 and 10)."""

from strict import blob, boolean, decode, decode_prefix, id32, list_of, number, optional, record_of, require, rises

RECORD, BODY = 4_224, 1_048_576
PARCEL = RECORD + BODY + 16
REQUEST = list_of(record_of(id32, number(64)), 1024)


def parcel_shape(value):
    record_of(blob, optional(blob))(value)
    record, body = value
    require(len(record) <= RECORD and len(body or b"") <= BODY, "a record or body over its limit")


def parcel(data):
    value = decode(data, PARCEL)
    parcel_shape(value)
    return value


def pull_request(data):
    value = decode(data, 65_536)
    REQUEST(value)
    rises((log for log, _ in value), "logs")
    return value


def pull_answer(data):
    value = decode(data, 4 * BODY + PARCEL + 65_536)
    record_of(list_of(parcel_shape, 16_384), boolean)(value)
    return value


def export(data):
    """The manifests' bytes, and the parcels."""
    manifests, rest = decode_prefix(data)
    list_of(blob, 676)(manifests)
    parcels = []
    while rest:
        value, rest = decode_prefix(rest)
        parcel_shape(value)
        parcels.append(value)
    return manifests, parcels
