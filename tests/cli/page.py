#!/usr/bin/env python3
"""Looks at a page that plays an agent's episode: its text, or, in a browser, what it does. Needs nothing but Python itself (and chromium)."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from html.parser import HTMLParser
from pathlib import Path

EMPTY = {"meta", "input"}  # elements without an end


class Outline(HTMLParser):
    """Elements must end in the order in which they began, and no name may stand for two."""

    def __init__(self):
        super().__init__()
        self.open, self.names, self.script = [], set(), ""

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        if tag not in EMPTY:
            self.open.append(tag)
        name = attributes.get("id")
        assert name is None or name not in self.names, f"two elements are named {name}"
        self.names.add(name)
        for key in "src", "href", "xlink:href", "action", "data":
            assert key not in attributes, f"<{tag}> asks for {key}={attributes.get(key)}"

    def handle_endtag(self, tag):
        assert self.open and self.open[-1] == tag, f"</{tag}> ends {self.open}"
        self.open.pop()

    def handle_data(self, data):
        if self.open[-1:] == ["script"]:
            self.script += data


def check(path):
    """check FILE: is it whole, and does it stand alone? Prints what there is to see as JSON."""
    text = Path(path).read_text(encoding="utf-8")
    outline = Outline()
    outline.feed(text)
    outline.close()
    assert text.startswith("<!DOCTYPE html>\n") and not outline.open, f"not closed: {outline.open}"
    for word in "http:", "https:", "url(", "@import", "import(", "fetch(", "XMLHttpRequest":
        assert word not in text, f"the page has '{word}', and must not ask for anything"
    episode = json.loads(re.search(r"const episode = (\{.*?\n\]\});", outline.script, re.DOTALL).group(1))
    n = len(episode["place"]) // 2
    for raster in episode["rasters"]:
        assert len(raster["spikes"]) == n and all(0 <= row < raster["rows"] for step in raster["spikes"] for row in step)
    used = set(re.findall(r"by\('(\w+)'\)", outline.script))
    assert used <= outline.names, f"the script looks for {used - outline.names}"
    print(json.dumps({"n": n, "goals": len(episode["goals"]), "borders": len(episode["borders"]), "places": len(episode["goal"]), "bytes": len(text),
                      "first": episode["place"][:2], "rows": [r["rows"] for r in episode["rasters"]],
                      "spikes": [sum(map(len, r["spikes"])) for r in episode["rasters"]]}))


class Browser:
    """Chromium without a window, by the DevTools protocol over pipes: messages are JSON and end with a 0 byte."""

    def __init__(self, program, folder):
        down, self.write = os.pipe()
        self.read, up = os.pipe()

        def connect():  # the browser reads from 3 and writes to 4
            os.dup2(os.dup(down), 3)
            os.dup2(os.dup(up), 4)

        self.process = subprocess.Popen(
            [program, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", f"--user-data-dir={folder}", "--remote-debugging-pipe"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, close_fds=False, preexec_fn=connect)
        os.close(down)
        os.close(up)
        self.number, self.session, self.rest, self.events = 0, None, b"", []

    def message(self):
        while b"\0" not in self.rest:
            more = os.read(self.read, 1 << 16)
            assert more, "the browser has ended"
            self.rest += more
        text, self.rest = self.rest.split(b"\0", 1)
        return json.loads(text)

    def call(self, method, **params):
        self.number += 1
        request = {"id": self.number, "method": method, "params": params}
        if self.session:
            request["sessionId"] = self.session
        os.write(self.write, json.dumps(request).encode() + b"\0")
        while True:
            answer = self.message()
            if answer.get("id") == self.number:
                assert "error" not in answer, answer
                return answer["result"]
            self.events.append(answer)

    def value(self, expression):
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def open(self, address):
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for room in "Runtime", "Log", "Network", "Page":
            self.call(f"{room}.enable")
        self.call("Page.navigate", url=address)
        self.wait("document.readyState === 'complete' && document.getElementById('clock') !== null")

    def wait(self, condition, seconds=30):
        end = time.monotonic() + seconds
        while not self.value(condition):
            assert time.monotonic() < end, f"after {seconds} s it is still not so that {condition}"
            time.sleep(0.1)

    def complaints(self):
        """Failed scripts, what the browser warned of, and whatever else than the page was asked for."""
        found = []
        for event in self.events:
            method, params = event.get("method"), event.get("params", {})
            if method == "Runtime.exceptionThrown":
                found.append(params["exceptionDetails"].get("exception", {}).get("description", "a script failed"))
            elif method == "Log.entryAdded" and params["entry"]["level"] == "error":
                found.append(params["entry"]["text"])
            elif method == "Network.requestWillBeSent" and not params["request"]["url"].startswith("file:"):
                found.append("asked for " + params["request"]["url"])
        return found

    def end(self):
        self.process.kill()
        self.process.wait()


def see(browser):
    """What the page shows now."""
    return json.loads(browser.value("""(() => {
        const by = id => document.getElementById(id);
        const is_drawn = path => path.style.display !== 'none' && path.getBBox().width > 0;
        return JSON.stringify({
            clock: +by('clock').textContent, count: +by('count').textContent, button: by('play').textContent,
            x: +by('agent').getAttribute('cx'), y: +by('agent').getAttribute('cy'),
            search: by('search').getAttribute('d').length, returns: by('returns').getAttribute('d').length,
            window: by('raster0').getAttribute('viewBox'), drawn: [...document.querySelectorAll('.spike')].filter(is_drawn).length})
    })()"""))


def act(browser, **times):
    browser.value("document.getElementById('speed').value = 0.02")
    seen = {"start": see(browser)}
    clock = "+document.getElementById('clock').textContent"
    browser.wait(f"{clock} >= {seen['start']['clock'] + 5}")
    browser.value("document.getElementById('play').click()")
    seen["later"] = see(browser)
    time.sleep(0.3)
    seen["paused"] = see(browser)
    for name, t in times.items():
        browser.value(f"{{ const s = document.getElementById('slider'); s.value = {t}; s.dispatchEvent(new Event('input')); }}")
        seen[name] = see(browser)
    browser.value("document.getElementById('play').click()")
    browser.wait(f"{clock} < {seen['end']['clock']}")  # from the end it begins anew
    seen["again"] = see(browser)
    return seen


def play(path, middle):
    """play FILE STEP: plays the page for a while, stops, moves the slider to STEP and to the end, plays again; prints what was seen as JSON."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        browser = Browser(program, folder)
        try:
            browser.open(Path(path).resolve().as_uri())
            seen = act(browser, middle=middle, end=1e9)
            browser.open(Path(path).resolve().as_uri() + f"#{middle}")
            seen["linked"] = see(browser)
            seen["complaints"] = browser.complaints()
        finally:
            browser.end()
    print(json.dumps(seen))


if __name__ == "__main__":
    {"check": check, "play": play}[sys.argv[1]](*sys.argv[2:])
