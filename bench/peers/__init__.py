"""Other ways to write such a service, to compare with; each is a program with two worker processes.

`python -m bench.peers.naive --port 8000`, in an environment of their own (requirements.txt).
"""
