"""Impact alerts: an intrusion event hit a host that is likely open to it.

Record 9, a series 1 block without the discovery event header. Rules: chapter 3 of the integration guide,
"Intrusion Impact Alert Data"; its appendix of legacy structures.
"""

from __future__ import annotations

from openstreamer.wire import IP, U8, U32, Block, IPv4, String, f


class IntrusionImpactAlert(
    Block,
    id="intrusion_impact_alert",
    series=1,
    types={20: "before 5.3", 153: "5.3+"},
    confidence={20: "partly-verified"},
    notes={
        20: "One program has addresses of 16 bytes here; they are read where the text after them then stands"
        " in the right place.",
        153: "The guide's table reads as if the impact had 8 bits, its drawing and two programs say 32; 8 bits"
        " are read where the text then stands in the right place.",
    },
    alternatives={
        20: ({}, {"source_ip": IP, "destination_ip": IP}),
        153: ({}, {"impact": U8}),
    },
):
    """An intrusion event whose target is likely open to it."""

    event_id: U32 = f("Number of the intrusion event on its device.")
    device_id: U32 = f("Managed device that saw the event; 0 is the management center itself.")
    event_second: U32 = f("When the event was detected, UNIX seconds.")
    impact: U32 = f("What is known of the target: a bit mask.", values="impact_flags")
    source_ip: IP = f("Address the packet came from.", was={20: IPv4})
    destination_ip: IP = f("Address the packet went to.", was={20: IPv4})
    description: String = f("The impact in words.")
