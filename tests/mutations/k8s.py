from __future__ import annotations

from tests.mutations.mutation import Mutation

ROWS = (
    Mutation(
        "workers are scaled by who waits alone",
        "deploy/k8s/base/scaling.yaml",
        "      formula: waiting + running\n",
        "      formula: waiting\n",
    ),
    Mutation(
        "the first prompt starts one worker alone",
        "deploy/k8s/base/scaling.yaml",
        "  minReplicaCount: 2\n",
        "  minReplicaCount: 1\n",
    ),
    Mutation(
        "the last worker is ended before another has drained",
        "deploy/k8s/base/scaling.yaml",
        "  cooldownPeriod: 360\n",
        "  cooldownPeriod: 60\n",
    ),
    Mutation(
        "a worker that is scaled away is killed in the middle of its drain",
        "deploy/k8s/base/worker.yaml",
        "      terminationGracePeriodSeconds: 330\n",
        "      terminationGracePeriodSeconds: 30\n",
    ),
    Mutation(
        "a front that is busy is killed",
        "deploy/k8s/base/front.yaml",
        "            periodSeconds: 20\n            timeoutSeconds: 5\n            failureThreshold: 6\n",
        "            periodSeconds: 2\n            timeoutSeconds: 1\n            failureThreshold: 1\n",
    ),
    Mutation(
        "everybody in the cluster reaches its Redis",
        "deploy/k8s/overlays/small/valkey.yaml",
        "              kubernetes.io/metadata.name: keda\n",
        "              {}\n",
    ),
    Mutation(
        "a pod may ask the cloud for its keys",
        "deploy/k8s/base/network.yaml",
        "100.64.0.0/10, 169.254.0.0/16,",
        "100.64.0.0/10,",
    ),
)
