"""A timestamp server (RFC 3161) for one request: python3 packaging/windows/timestamps.py DIR, with time.pem and time-key.pem in DIR.

It prints its port.
"""

import subprocess
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

DIR = Path(sys.argv[1])
SETTINGS = """
[tsa]
serial = serial
default_policy = 1.2.3
digests = sha256
signer_digest = sha256
"""


class Clock(BaseHTTPRequestHandler):
    def do_POST(self):
        (DIR / "query").write_bytes(self.rfile.read(int(self.headers["Content-Length"])))
        (DIR / "clock.conf").write_text(SETTINGS)
        command = ["openssl", "ts", "-reply", "-config", "clock.conf", "-section", "tsa", "-queryfile", "query", "-signer", "time.pem", "-inkey", "time-key.pem"]
        reply = subprocess.run(command, cwd=DIR, stdout=subprocess.PIPE, check=True).stdout
        self.send_response(200)
        self.send_header("Content-Type", "application/timestamp-reply")
        self.send_header("Content-Length", str(len(reply)))
        self.end_headers()
        self.wfile.write(reply)


with HTTPServer(("127.0.0.1", 0), Clock) as server:
    print(server.server_port, flush=True)
    server.handle_request()
