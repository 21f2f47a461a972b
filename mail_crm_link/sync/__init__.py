"""The order in which a mailbox is read and what is saved together, without knowing providers or databases."""

from ..on_demand import on_demand

__getattr__ = on_demand(__name__)
