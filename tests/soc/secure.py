"""Reads through TLS 1.2 and 1.3, trusting the certificate in a folder alone.

    secure.py FOLDER ADDRESS TOKEN
"""

import http.client
import json
import ssl
import sys
from pathlib import Path


def main(folder, address, token):
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context = ssl.create_default_context(cafile=Path(folder, "soc.pem"))
        context.minimum_version = context.maximum_version = version
        connection = http.client.HTTPSConnection(address, context=context, timeout=10)
        for _ in range(3):  # The connection is kept alive.
            connection.request("GET", "/taxii2/", headers={"Authorization": f"Bearer {token}"})
            answer = connection.getresponse()
            discovery = json.loads(answer.read())
            if answer.status != 200 or not discovery["default"].startswith(f"https://{address}/"):
                sys.exit(f"{version}: {answer.status} {discovery}")


if __name__ == "__main__":
    main(*sys.argv[1:])
