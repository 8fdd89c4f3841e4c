"""Judges STIX patterns as OASIS's own validator does.

    judge.py < PATTERNS > VERDICTS

A line of PATTERNS is a pattern as a JSON string; a line of VERDICTS is a JSON object: whether it is valid and, if
so, its comparisons as the validator's inspector lists them, otherwise what is wrong. A validator that stops with an
error of its own has not said that the pattern is valid.
"""

import json
import sys
import threading

from stix2patterns import inspector
from stix2patterns.v21.pattern import Pattern
from stix2patterns.validator import run_validator


def step(name):
    return "*" if name is inspector.INDEX_STAR else name


def sign(operator):
    return operator.replace("==", "=").replace("<>", "!=")


def comparisons(pattern):
    found = Pattern(pattern).inspect().comparisons
    return {
        kind: [[[step(name) for name in path], sign(operator), value] for path, operator, value in compared]
        for kind, compared in found.items()
    }


def judge(pattern):
    try:
        errors = run_validator(pattern, stix_version="2.1")
        if errors:
            return {"valid": False, "errors": errors}
        return {"valid": True, "comparisons": comparisons(pattern)}
    except Exception as error:
        return {"valid": False, "errors": [f"{type(error).__name__}: {error}"]}


def main():
    for line in sys.stdin:
        print(json.dumps(judge(json.loads(line))))


# The validator recurses by depth and by term.
sys.setrecursionlimit(100_000)
threading.stack_size(512 * 1024 * 1024)
thread = threading.Thread(target=main)
thread.start()
thread.join()
