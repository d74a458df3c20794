"""Alembic migrations of the register's tables; run by `producer.register.schema`, never by hand.

A version's number tells its age: 0001, 0002 and so on, in one line without branches.
"""
