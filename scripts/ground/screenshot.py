"""Take the pictures of the documentation from a demo that is running: ``scripts/launch screenshot``."""

import http.client
import json
import os

from . import demo, places, programs, setup
from .console import Trouble, run, say

LOGIN = "nora"
PICTURES = {
    "card.png": ("crm.lead", "Bright Harbour: espresso bar on floor 5"),
    "company.png": ("res.partner", "Hotel Adlerhof"),
}
"""What is photographed: name of the file, model and name of the record."""
PATHS = {"crm.lead": "crm", "res.partner": "contacts"}


def main(arguments: list[str]) -> int:
    ground = setup.prepare()
    browser = next(filter(None, map(programs.find, programs.BROWSERS)), None)
    if not browser:
        raise Trouble("A picture needs Chromium: sudo apt-get install chromium")
    odoo = Session(int(os.environ.get("ODOO_PORT", demo.PORTS["ODOO_PORT"])))
    for name, (model, record) in PICTURES.items():
        found = odoo.call(
            "/web/dataset/call_kw", model=model, method="search", args=[[("name", "=", record)]], kwargs={}
        )
        address = f"http://127.0.0.1:{odoo.port}/odoo/{PATHS[model]}/{found[0]}"
        target = places.ROOT / "docs" / name
        target.parent.mkdir(exist_ok=True)
        camera = [ground.environment.python, places.SCRIPTS / "ground" / "camera.py"]
        run([*camera, browser, address, odoo.cookie, target], f"{name} could not be taken.")
        say(f"{target}")
    return 0


class Session:
    """Signed in to the demo."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.cookie = ""
        try:
            self.call("/web/session/authenticate", db=demo.DATABASE, login=LOGIN, password=LOGIN)
        except OSError as error:
            raise Trouble(f"No Odoo answers on port {port}; start `make demo` first.") from error

    def call(self, path: str, **parameters: object) -> object:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        headers = {"Content-Type": "application/json", "Cookie": f"session_id={self.cookie}"}
        connection.request("POST", path, json.dumps({"jsonrpc": "2.0", "params": parameters}), headers)
        response = connection.getresponse()
        for name, value in response.getheaders():
            if name == "Set-Cookie" and value.startswith("session_id="):
                self.cookie = value.partition("=")[2].partition(";")[0]
        answer = json.load(response)
        if "error" in answer:
            raise Trouble(answer["error"]["data"]["message"])
        return answer["result"]
