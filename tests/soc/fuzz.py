"""Runs the node's own OpenAPI document against it with schemathesis: whatever the document allows, and some that it
does not, must meet no failure of the node, and no answer that the document does not know.

    fuzz.py URL TOKEN
"""

import subprocess
import sys
import tempfile

# What an answer must be. That every wrong request is refused is left out: a query pair that means nothing, and a
# value that nobody knows, are no faults.
CHECKS = ",".join([
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "ignored_auth",
])


def main(url, token):
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [
                sys.executable, "-B", "-m", "schemathesis.cli", "run", f"{url}/openapi.json",
                "--header", f"Authorization: Bearer {token}",
                "--checks", CHECKS,
                # A stream has no end.
                "--exclude-path", "/api/v1/stream",
                "--phases", "examples,coverage,fuzzing",
                "--max-examples", "25",
                "--seed", "1",
                "--request-timeout", "20",
                "--suppress-health-check", "all",
                "--no-color",
            ],
            cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(done.stdout + done.stderr)


if __name__ == "__main__":
    main(*sys.argv[1:])
