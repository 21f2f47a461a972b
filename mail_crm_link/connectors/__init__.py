"""Providers of mail: one module or package each, all with the contract of ``base`` and the errors of ``errors``."""

from ..on_demand import on_demand

__getattr__ = on_demand(__name__)
