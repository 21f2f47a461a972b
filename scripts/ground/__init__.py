"""The ground the addon runs on: Odoo, a virtual environment, PostgreSQL and the tools of the tests.

Everything is downloaded into a cache folder outside the tree, once, and nothing is installed on the machine unless the
tests need a program that only the machine can provide. Only Python's standard library is used, because this code runs
before anything else is there.
"""
