"""Who sent most, by connection events: python examples/top_talkers.py HOST CLIENT.pkcs12 [PORT].

Takes the events many at a time, which costs less where each needs little work.
"""

import sys
from collections import Counter

import openstreamer

if len(sys.argv) < 3:
    sys.exit(__doc__)
host, pkcs12, *port = sys.argv[1:]
sent: Counter[str] = Counter()
with openstreamer.connect(
    host,
    port=int(port[0]) if port else 8302,
    pkcs12=pkcs12,
    events="connection",
    since="beginning",
    names=False,
    idle_exit=1,
) as events:
    for batch in events.batches():
        for event in batch:
            sent[event.data.initiator_ip] += event.data.initiator_bytes
for address, count in sent.most_common(10):
    print(f"{count:>15,} {address}")
