"""Whether a file of Prometheus alert rules has the form that Prometheus reads.

    rules.py FILE
"""

import sys

import yaml


def main(path):
    with open(path, encoding="utf-8") as file:
        groups = yaml.safe_load(file)["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    if len(rules) < 5:
        sys.exit(f"{path} has {len(rules)} rules")
    for rule in rules:
        wrong = [key for key in ("alert", "expr", "labels", "annotations") if not rule.get(key)]
        if wrong or not rule["annotations"].get("summary"):
            sys.exit(f"{rule}: {wrong or 'no summary'}")


if __name__ == "__main__":
    main(sys.argv[1])
