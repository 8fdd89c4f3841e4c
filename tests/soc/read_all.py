"""Reads a collection with taxii2-client until so many objects have come, and a little longer; parses each with
stix2. Prints the id of each object as often as it came.

    read_all.py URL TOKEN COUNT

The node may be away at times: what fails is asked again.
"""

import json
import sys
import time

import stix2
from requests.exceptions import RequestException
from taxii2client.common import TokenAuth
from taxii2client.v21 import Server, as_pages

PATIENCE_S = 90
PAGE = 7


def collection(url, token, seen):
    server = Server(f"{url}/taxii2/", auth=TokenAuth(token))
    found = next(one for one in server.default.collections if "Everything" in one.title)
    found._conn.session.hooks["response"].append(lambda response, *_, **__: seen.append(response.headers))
    return found


def walk(found, added_after):
    """All pages of what arrived after a time."""
    options = {"added_after": added_after} if added_after else {}
    for page in as_pages(found.get_objects, per_request=PAGE, **options):
        yield page.get("objects", [])


def main(url, token, count):
    deadline, heads = time.monotonic() + PATIENCE_S, []
    found, last, had, quiet = None, None, 0, 0
    while quiet < 3:
        if time.monotonic() > deadline:
            sys.exit(f"only {had} of {count} objects came")
        try:
            found = found or collection(url, token, heads)
            before = had
            for objects in walk(found, last):
                # The page is taken: whoever goes on goes on after it.
                last = heads[-1]["X-TAXII-Date-Added-Last"]
                for thing in objects:
                    stix2.parse(json.dumps(thing), allow_custom=True, version="2.1")
                    print(thing["id"])
                had += len(objects)
        except RequestException:
            found = None
            time.sleep(0.2)
            continue
        quiet = quiet + 1 if had >= count and had == before else 0
        time.sleep(0.05)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
