"""Providers of mail: one module or package each, all with the contract of ``base`` and the errors of ``errors``."""
