"""Streams on a cluster."""

from __future__ import annotations

from tests.mutations.mutation import Mutation

ROWS = (
    Mutation(
        "who is sent to another node learns nothing by it",
        "app/stream/redis/cluster/nodes.py",
        "            self._take(self._map.moved(slot, place))",
        "            pass",
    ),
    Mutation(
        "a slot that has changed hands shakes nobody's trust in who listens",
        "app/stream/redis/cluster/nodes.py",
        "            self.known.leave()",
        "            pass",
    ),
    Mutation(
        "a node that is cut off from the others is believed that it has what it had",
        "app/stream/redis/cluster/nodes.py",
        "        self._doubted.add(node.place)",
        "        pass",
    ),
    Mutation(
        "each who asks has the cluster learnt by itself",
        "app/stream/redis/cluster/nodes.py",
        "if self._learning is None or self._learning.done():",
        "if True:",
    ),
    Mutation(
        "what is half on its way is asked for without a word, and sent back",
        "app/stream/redis/cluster/sharded.py",
        '        pipe.execute_command("ASKING")\n',
        '        pipe.execute_command("PING")\n',
    ),
    Mutation(
        "a node that has a script not is no place for it",
        "app/stream/redis/cluster/sharded.py",
        "            await node.client.script_load(text)\n",
        "",
    ),
    Mutation(
        "a slot that leaves takes nobody along who listens",
        "app/stream/redis/cluster/subscribed.py",
        "                self._tell_astray(name)\n",
        "                pass\n",
    ),
    Mutation(
        "a second answer to who left costs all others of its node their connection",
        "app/stream/redis/cluster/subscribed.py",
        "(verb == _PING or slot_of(name) != said.slot)",
        "False",
    ),
    Mutation(
        "who is listened to elsewhere from now on is told of no gap",
        "app/stream/redis/cluster/subscribed.py",
        "gap=gap or moved",
        "gap=gap",
    ),
    Mutation(
        "a server that is no cluster is waited for",
        "app/stream/redis/cluster/wholeness.py",
        'str(info.get("cluster_enabled", "0")) != "1"',
        "False",
    ),
)
