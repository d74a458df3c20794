"""One module per version of the register's schema.

A published one is never changed; a change is a new one.
"""
