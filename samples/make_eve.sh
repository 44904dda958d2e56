#!/bin/sh
# Make sample.pcap and sample.eve.json anew: make_eve.sh [FOLDER]. Without FOLDER the files of the project are replaced.
#
# Needs python3 and Suricata 7 (Debian 12: suricata from bookworm-backports). The capture comes out byte for byte
# the same. Of the events flow_id, which Suricata draws at random, and the order, time and reason of the flow lines
# at the end differ from run to run; a test compares the rest.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
capture=${1:-$here}/sample.pcap
events=${1:-$here/../src/openstreamer/samples}/sample.eve.json
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

python3 "$here/make_pcap.py" "$capture"
TZ=UTC suricata -c "$here/suricata.yaml" -S "$here/sample.rules" -r "$capture" -l "$scratch" --runmode single \
    --set classification-file="$here/classification.config" --set reference-config-file=/dev/null \
    --set threshold-file=/dev/null >&2
mv "$scratch/eve.json" "$events"
