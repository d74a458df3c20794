"""The national service platform on one machine: routes, authorises and forwards calls between consumer and producer.

Implements the platform reference (request path, catalogue, faults, headers, TLS); steps in `router.pipeline`.
"""
