"""Chaos: journeys and attacks on a whole cluster while its parts die, hang and come back, and a check of the history.

`python -m tools.chaos run` makes a history and checks it, `python -m tools.chaos check FOLDER` checks one again.
"""
