"""A small HTTP server for the tests of downloads. Prints its port, then serves the files of a folder until it is killed.

python3 -I http_server.py FOLDER LOG [--cut N] [--no-range]

LOG gets a line "NAME RANGE" for every request, RANGE being "-" if none was asked for. --cut N ends the first answer after N bytes of its body,
though its header promised them all. --no-range ignores what range is asked for, as some servers do.
"""

import argparse
import http.server
import os
import re


def parse_arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("log")
    parser.add_argument("--cut", type=int)
    parser.add_argument("--no-range", action="store_true")
    return parser.parse_args()


class Handler(http.server.BaseHTTPRequestHandler):
    arguments = None

    def log_message(self, *_):
        pass

    def do_GET(self):
        name = os.path.basename(self.path)
        wanted = self.headers.get("Range")
        with open(self.arguments.log, "a") as log:
            log.write(f"{name} {wanted or '-'}\n")
        try:
            with open(os.path.join(self.arguments.folder, name), "rb") as file:
                content = file.read()
        except OSError:
            self.send_error(404)
            return
        start = re.fullmatch(r"bytes=(\d+)-", wanted or "")
        if start and not self.arguments.no_range:
            first = int(start[1])
            if first >= len(content):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(content)}")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {first}-{len(content) - 1}/{len(content)}")
            content = content[first:]
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        n = len(content) if self.arguments.cut is None else self.arguments.cut
        self.arguments.cut = None
        try:
            self.wfile.write(content[:n])
        except ConnectionError:
            pass  # the client has had enough


def main():
    Handler.arguments = parse_arguments()
    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    print(server.server_port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
