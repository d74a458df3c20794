"""The consumer: asks producers over mutual TLS, checks what they answer, keeps it and exports it (design 3).

`consumer.client` is the library, `consumer.fetching` and `consumer.poller` put answers into a `consumer.store`.
"""
