"""Measurements, run by hand on a machine that is otherwise quiet; no test collects them.

python -m tests.bench.run       against lsof, lsfd and ss, under a load of 100,000 descriptors
python -m tests.bench.screen    the screen in a pseudo-terminal under the same load
"""
