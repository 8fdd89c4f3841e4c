"""Signatures (wire.md, section 4): pycose verifies, and what it leaves out is added."""

from pycose.keys import OKPKey
from pycose.keys.curves import Ed25519
from pycose.messages import Sign1Message

from strict import Refused, blob, decode, empty_map, record_of, require

PROTECTED = bytes.fromhex("a10127")
ENVELOPE = record_of(blob, empty_map, blob, blob)


def open_envelope(data, limit):
    """The payload and signature of a COSE_Sign1; nothing is verified yet."""
    envelope = decode(data, limit)
    ENVELOPE(envelope)
    protected, _, payload, signature = envelope
    require(protected == PROTECTED, "another protected header")
    require(len(signature) == 64, "a signature of another length")
    return payload, signature


def library_accepts(payload, signature, aad, public):
    """What the COSE library says of a signature."""
    message = Sign1Message.from_cose_obj([PROTECTED, {}, payload, signature], False)
    message.external_aad = aad
    message.key = OKPKey(crv=Ed25519, x=public)
    return message.verify_signature()


def verify(payload, signature, aad, public, what):
    # The library leaves it to OpenSSL, which takes keys and points of small order.
    strict = not has_small_order(public) and not has_small_order(signature[:32])
    if not (strict and library_accepts(payload, signature, aad, public)):
        raise Refused("bad-signature", what)


# Arithmetic on edwards25519 (RFC 8032, section 5.1), enough to see whether a point's order divides 8.

P = 2**255 - 19
D = -121665 * pow(121666, -1, P) % P
ROOT_OF_MINUS_1 = pow(2, (P - 1) // 4, P)


def has_small_order(encoded):
    """Whether these bytes are a point that eight times itself is the neutral one; true for what is no point."""
    point = decompress(encoded)
    if point is None:
        return True
    for _ in range(3):
        point = add(point, point)
    return point == (0, 1)


def decompress(encoded):
    number = int.from_bytes(encoded, "little")
    y, sign = number & (1 << 255) - 1, number >> 255
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * ROOT_OF_MINUS_1 % P
    if x * x % P != square:
        return None
    return (x if x & 1 == sign else -x % P), y % P


def add(a, b):
    (x1, y1), (x2, y2) = a, b
    product = D * x1 * x2 * y1 * y2 % P
    x = (x1 * y2 + x2 * y1) * pow(1 + product, -1, P)
    y = (y1 * y2 + x1 * x2) * pow(1 - product, -1, P)
    return x % P, y % P
