"""What tests in a browser begin with, as Odoo's own runner of tests does."""

import pytest


@pytest.fixture(scope="session", autouse=True)
def asset_bundles(request):
    """Make the bundles of JavaScript and CSS once; each test that makes them itself rolls them back."""
    if not request.config.getoption("--odoo-http", default=False):
        return
    from odoo import SUPERUSER_ID, api
    from odoo.modules.registry import Registry
    from odoo.tests.common import HttpCase, get_db_name

    if any(issubclass(item.cls, HttpCase) for item in request.session.items if item.cls):
        with Registry(get_db_name()).cursor() as cursor:
            api.Environment(cursor, SUPERUSER_ID, {})["ir.qweb"]._pregenerate_assets_bundles()
