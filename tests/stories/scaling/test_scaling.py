"""Workers come and go with what is asked, by the rule that a cluster has, and no stream is lost for it.

The whole, at a cluster's own pace and size, is `make scaling`; here its time runs 120 times as fast, and a worker
takes five streams.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.bench.scaling.real.load import Phase
from tests.bench.scaling.real.run import scaled
from tests.bench.scaling.rule import pod_of, rule_of, smaller
from tests.deploy.k8s.build import lacks
from tests.long import long

SPEED, SHARE = 120.0, 0.1
MORE_THAN_A_DRAIN = 700.0


@long  # a busy machine has not the time that runs 120 times as fast
@pytest.mark.skipif(lacks() != "", reason="no kubectl with a kustomize of 5 or newer")
async def test_from_none_to_three_and_back_under_load_nothing_is_lost() -> None:
    rule, pod = smaller(rule_of("small"), pod_of("small"), SHARE)
    phases = (
        Phase(0, 0, burst=1, lasts=(MORE_THAN_A_DRAIN, MORE_THAN_A_DRAIN)),
        Phase(60, 0.12, burst=6, lasts=(40, 60)),
    )
    report = await scaled("small", replace(rule, most=3), pod, phases, speed=SPEED, warm=True)
    assert (report.most, report.turns, report.steps[-1].asked) == (3, 1, 0)
    assert [step.ready for step in report.steps[-2:]] == [2, 0]  # by what a kubelet asks
    assert (report.killed, report.codes, report.left) == (0, [0, 0, 0], 0)
