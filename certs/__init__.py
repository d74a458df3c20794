"""Keys, certificates and revocation lists shaped like SITHS: make, check, explain, and use them for TLS.

Implements the function certificate profile of SITHS and RIV-TA Basic Profile 2.1 rule 6 (mutual TLS).
"""

from certs.authority import Authority
from certs.issued import CertificateFiles, IssuedCertificate

__all__ = ["Authority", "CertificateFiles", "IssuedCertificate"]
