"""The register: measurements in a database, imports into it, and publications made from it (design 3).

The only package of the producer that speaks SQL.
"""
