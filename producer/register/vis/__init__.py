"""The VIS file: the flat table that registers send to Vården i siffror, read and checked (domain reference 1).

Strings in, typed columns and findings out; nothing here knows the database.
"""
