"""Keys, certificates and revocation lists shaped like SITHS: make, check, explain, and use them for TLS.

Implements the function certificate profile and the TLS decisions described in ``docs/certificates.md``.
"""
