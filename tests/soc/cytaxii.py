"""Finds its way with cytaxii2 from the discovery to the objects; prints how many there are.

    cytaxii.py URL TOKEN
"""

import sys

from cytaxii2 import cytaxii2


def good(answer):
    if answer["status"] is not True:
        sys.exit(f"cytaxii2: {answer}")
    return answer["response"]


def main(url, token):
    client = cytaxii2.cytaxii2(f"{url}/taxii2/", "cyware", token)
    good(client.discovery_request())
    good(client.root_discovery())
    collections = good(client.collection_request())["collections"]
    everything = collections[0]["id"]
    good(client.collection_data_request(everything))
    if client.collection_data_request("nothing")["status_code"] != 404:
        sys.exit("an unknown collection is no 404 in JSON")
    found, options = 0, {}
    while True:
        page = good(client.poll_request(everything, limit=4, **options))
        found += len(page["objects"])
        if not page.get("more"):
            break
        options = {"next": page["next"]}
    print(found)


if __name__ == "__main__":
    main(*sys.argv[1:])
