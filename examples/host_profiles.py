"""What a server knows of hosts: python examples/host_profiles.py HOST CLIENT.pkcs12 PORT ADDRESS|CIDR..."""

import sys

import openstreamer

if len(sys.argv) < 5:
    sys.exit(__doc__)
host, pkcs12, port, *targets = sys.argv[1:]
for profile in openstreamer.hosts(host, *targets, port=int(port), pkcs12=pkcs12, silence=1):
    print(", ".join(profile.addresses))
