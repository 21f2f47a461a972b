"""What mail means: plain Python without I/O, clock or Odoo.

``matching``, ``creation``, ``conversation``, ``automatic`` and ``naming`` decide; they read what ``message`` and
``addresses`` parsed. Nothing in here raises on what a stranger may have written.
"""
