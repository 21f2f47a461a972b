"""A picture of a page, by Chromium's DevTools protocol: ``camera.py BROWSER ADDRESS SESSION FILE``."""

import base64
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import urllib.request

import websocket

SIZE = (1500, 1050)
SECONDS = 120
# The chatter is there, and nothing is loading any more.
READY = """!!document.querySelector('.o-mail-Message') && !document.querySelector('.o_loading_indicator')
           && document.fonts.status === 'loaded'"""


class Chromium:
    def __init__(self, program: str) -> None:
        self._profile = tempfile.TemporaryDirectory(prefix="camera-", ignore_cleanup_errors=True)
        options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--remote-debugging-port=0"]
        self._process = subprocess.Popen(
            [program, *options, "--remote-allow-origins=*", f"--user-data-dir={self._profile.name}", "about:blank"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._number = 0
        self._socket = websocket.create_connection(self._page(), timeout=SECONDS)

    def _page(self) -> str:
        for line in self._process.stderr:
            if found := re.search(r"ws://([^/]+)/", line):
                pages = json.load(urllib.request.urlopen(f"http://{found[1]}/json/list"))
                return next(page["webSocketDebuggerUrl"] for page in pages if page["type"] == "page")
        raise SystemExit("Chromium did not start.")

    def __call__(self, method: str, **parameters: object) -> dict[str, object]:
        self._number += 1
        self._socket.send(json.dumps({"id": self._number, "method": method, "params": parameters}))
        while True:
            answer = json.loads(self._socket.recv())
            if answer.get("id") == self._number:
                return answer.get("result", {})

    def wait_for(self, condition: str) -> None:
        limit = time.monotonic() + SECONDS
        while time.monotonic() < limit:
            if self("Runtime.evaluate", expression=condition)["result"].get("value"):
                return
            time.sleep(0.3)
        raise SystemExit("The page did not become ready.")

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(SECONDS)
        self._profile.cleanup()


def main(browser: str, address: str, session: str, target: str) -> None:
    chromium = Chromium(browser)
    try:
        width, height = SIZE
        chromium("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        chromium("Network.setCookie", name="session_id", value=session, url=address)
        chromium("Page.navigate", url=address)
        chromium.wait_for(READY)
        time.sleep(2)  # images and the avatars fade in
        picture = chromium("Page.captureScreenshot", format="png")
        pathlib.Path(target).write_bytes(base64.b64decode(picture["data"]))
    finally:
        chromium.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
