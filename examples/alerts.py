"""Print every alert that a server holds: python examples/alerts.py HOST CLIENT.pkcs12 [PORT]."""

import sys

import openstreamer

if len(sys.argv) < 3:
    sys.exit(__doc__)
host, pkcs12, *port = sys.argv[1:]
with openstreamer.connect(
    host,
    port=int(port[0]) if port else 8302,
    pkcs12=pkcs12,
    events="intrusion",
    since="beginning",
    idle_exit=1,
) as events:
    for event in events:
        alert = event.data
        print(alert.source_ip, "->", alert.destination_ip, event.names.get("rule", alert.signature_id))
