"""The leg from the router to the producer: connections, TLS, retry, and the producer's answer.

Implements platform reference 4.3 (outcomes) and 5 (time limits, retry, sizes, TLS).
"""
