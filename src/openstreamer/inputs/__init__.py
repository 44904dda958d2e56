"""Where the server's events come from: one small file per input, all of one shape.

`interface` says what an input is, `registry` finds them by name, `uri` reads the text that configures one
(`eve:/var/log/suricata/eve.json`). Inputs turn what a sensor writes into records in wire form; they neither
store nor send anything: `openstreamer.server.intake` drives them.
"""
