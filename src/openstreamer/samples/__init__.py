"""The sample that the demonstration plays: real sensor output made from `samples/make_pcap.py`.

Only the events lie here, because they are installed with the package; how they were made is told in
`samples/README.md` of the source tree.
"""
