"""The alerts of `deploy/prometheus/rules.yml` in the form that the Prometheus operator takes.

    python -m tests.deploy.k8s.rules

They are written once, there; kustomize can put no file into an object of a kind that it does not know. One differs:
where workers are scaled to none, that none is there is worth waking somebody for only while somebody waits for one.
"""

from __future__ import annotations

import textwrap

from tests.deploy.k8s.build import K8S
from tests.deploy.rules import PROMETHEUS

FILE = K8S / "base" / "rules.yaml"
HEAD = """\
# The alerts of deploy/prometheus/rules.yml as the Prometheus operator takes them. Made of that file, not to be edited:
# python -m tests.deploy.k8s.rules
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: keepstream
spec:
"""
NO_WORKER = "max(keepstream_workers) < 1\n"
NONE_THAT_IS_NEEDED = "max(keepstream_workers) < 1 and max(keepstream_waiting) > 0\n"


def groups() -> str:
    """As a file of rules of its own."""
    said = "groups:\n" + (PROMETHEUS / "rules.yml").read_text().partition("groups:\n")[2]
    assert said.count(NO_WORKER) == 1
    return said.replace(NO_WORKER, NONE_THAT_IS_NEEDED)


def written() -> str:
    return HEAD + textwrap.indent(groups(), "  ")


if __name__ == "__main__":
    FILE.write_text(written())
