"""A producer without a register, for testing consumers and these suites themselves (contract reference 8)."""
