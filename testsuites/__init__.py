"""Contract test suites for any endpoint, seen from outside: plan, run, stream of events, reports that subscribe.

Knows an endpoint only by its URL, certificates and test data (style reference 2: black box).
"""
