"""From counts at the lowest level to the values that a report holds: sums, intervals, masking (contract reference 9).

Set-wise in a data-frame engine; the result leaves as a VIS file, so that everything after it is the usual path.
"""
