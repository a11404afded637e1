"""Trials of the whole service under load and faults: what they share, and the trials themselves.

`python -m tools.courier_trial` and `python -m tools.cluster_trial` run them.
"""
