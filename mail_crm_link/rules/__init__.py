"""What mail means: plain Python without I/O, clock or Odoo.

``matching``, ``creation``, ``conversation``, ``automatic`` and ``naming`` decide; they read what ``message`` and
``addresses`` parsed. Nothing in here raises on what a stranger may have written.
"""

from ..on_demand import on_demand

__getattr__ = on_demand(__name__)
