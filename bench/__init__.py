"""How fast the module is, beside stock Odoo's `fetchmail` on the same machine in the same run: ``make bench``."""
