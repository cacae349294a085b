#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""receiver.py ADDRESS PORT STATUS: an HTTP server that takes whatever is posted,
and prints each request as a line of JSON: path, headers, body, form."""

import http.server
import json
import sys
import urllib.parse


class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        print(json.dumps({"path": self.path, "headers": dict(self.headers), "body": body,
                          "form": dict(urllib.parse.parse_qsl(body))}), flush=True)
        self.send_response(int(sys.argv[3]))
        self.end_headers()
        self.wfile.write(b"status: success\n")

    def log_message(self, *_):
        pass


http.server.HTTPServer((sys.argv[1], int(sys.argv[2])), Receiver).serve_forever()
